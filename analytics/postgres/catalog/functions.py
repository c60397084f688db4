"""PostgreSQL's functions that tools call, as macros of DuckDB. Pure."""

from __future__ import annotations

# Names of types as people write them, where they are not those of pg_type.
SPOKEN = {
    16: "boolean",
    20: "bigint",
    21: "smallint",
    23: "integer",
    700: "real",
    701: "double precision",
    1043: "character varying",
    1083: "time without time zone",
    1114: "timestamp without time zone",
    1184: "timestamp with time zone",
}
WHENS = " ".join(f"WHEN {oid} THEN '{name}'" for oid, name in SPOKEN.items())
NULLS = (
    "pg_get_expr(a, b), pg_get_expr(a, b, c), obj_description(a), shobj_description(a, b), "
    "pg_get_indexdef(a), pg_get_indexdef(a, b, c), pg_get_constraintdef(a), "
    "pg_get_constraintdef(a, b), pg_get_viewdef(a), pg_get_viewdef(a, b), pg_get_partkeydef(a), "
    "pg_get_functiondef(a), pg_get_function_result(a), pg_get_function_arguments(a), "
    "pg_get_function_identity_arguments(a), pg_get_triggerdef(a), pg_get_triggerdef(a, b), "
    "pg_get_ruledef(a), pg_get_ruledef(a, b), pg_get_serial_sequence(a, b), "
    "pg_get_statisticsobjdef_columns(a), pg_relation_filenode(a), pg_tablespace_location(a), "
    "inet_server_addr(), inet_client_addr(), inet_server_port(), inet_client_port(), "
    "pg_partition_ancestors(a), array_to_tsvector(a)"
)
TRUES = (
    "pg_table_is_visible(a), pg_type_is_visible(a), pg_function_is_visible(a), "
    "pg_collation_is_visible(a), pg_statistics_obj_is_visible(a), pg_opclass_is_visible(a), "
    "pg_operator_is_visible(a), has_database_privilege(a, b), has_database_privilege(a, b, c), "
    "has_schema_privilege(a, b), has_schema_privilege(a, b, c), has_table_privilege(a, b), "
    "has_table_privilege(a, b, c), has_column_privilege(a, b, c), "
    "has_any_column_privilege(a, b), pg_has_role(a, b), pg_has_role(a, b, c)"
)
MACROS = (
    f"format_type(a, b) AS CASE a {WHENS} ELSE (SELECT typname FROM pgc.pg_type WHERE oid = a) END",
    "obj_description(a, b) AS (SELECT description FROM pgc.pg_description WHERE objoid = a "
    "AND objsubid = 0)",
    "col_description(a, b) AS (SELECT description FROM pgc.pg_description WHERE objoid = a "
    "AND objsubid = b)",
    "to_regclass(a) AS (SELECT oid FROM pgc.names WHERE name = "
    "regexp_replace(replace(a, '\"', ''), '^(logpond\\.)?(public|pg_catalog)\\.', ''))",
    "to_regtype(a) AS (SELECT oid FROM pgc.pg_type WHERE typname = lower(a))",
    "version() AS 'PostgreSQL {version} (logpond, read only)'",
    "current_user() AS 'logpond'",
    "current_schema() AS 'public'",
    "current_catalog() AS 'logpond'",
    "current_database() AS 'logpond'",
    "current_schemas(a) AS ['pg_catalog', 'public']",
    "current_setting(a) AS getvariable('settings')[lower(a)]",
    "set_config(a, b, c) AS b",
    "quote_ident(a) AS CASE WHEN regexp_full_match(a, '[a-z_][a-z0-9_]*') THEN a "
    "ELSE '\"' || replace(a, '\"', '\"\"') || '\"' END",
    "quote_literal(a) AS '''' || replace(a, '''', '''''') || ''''",
    "parse_ident(a) AS string_split(replace(a, '\"', ''), '.')",
    "string_to_array(a, b) AS string_split(a, b)",
    "array_lower(a, b) AS CASE WHEN len(a) > 0 THEN 1 END",
    "array_upper(a, b) AS nullif(len(a), 0)",
    "pg_get_userbyid(a) AS 'logpond'",
    "pg_encoding_to_char(a) AS 'UTF8'",
    "pg_backend_pid() AS 1",
    "pg_is_in_recovery() AS false",
    "pg_is_other_temp_schema(a) AS false",
    "pg_my_temp_schema() AS 0",
    "pg_relation_is_publishable(a) AS false",
    "pg_table_size(a) AS 0::BIGINT",
    "pg_relation_size(a) AS 0::BIGINT",
    "pg_total_relation_size(a) AS 0::BIGINT",
    "pg_indexes_size(a) AS 0::BIGINT",
    "pg_database_size(a) AS 0::BIGINT",
    "pg_size_pretty(a) AS format_bytes(a)",
    "pg_char_to_encoding(a) AS 6",
    "pg_postmaster_start_time() AS now()",
    "txid_current() AS 1::BIGINT",
    "pg_typeof(a) AS lower(typeof(a))",
)


def macros(version: str) -> list[str]:
    """Returns macros; those of one name with their forms together, as DuckDB wants them."""
    found: dict[str, list[str]] = {}
    plain = [(one, "NULL") for one in NULLS.split("), ")] + [
        (one, "true") for one in TRUES.split("), ")
    ]
    given = [(f"{one.rstrip(')')})", of) for one, of in plain]
    given += [(one.partition(" AS ")[0], one.partition(" AS ")[2]) for one in MACROS]
    for head, of in given:
        name, _, rest = head.partition("(")
        found.setdefault(name, []).append(f"({rest} AS {of.replace('{version}', version)}")
    return [f"{name}{', '.join(forms)}" for name, forms in found.items()]
