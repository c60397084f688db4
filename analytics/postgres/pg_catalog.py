"""PostgreSQL's catalog, as far as tools look into it, in words of DuckDB. Pure.

Each table is a paragraph: its columns with their types, and what stands there by default.
"""

from __future__ import annotations

import re

OWNER, DATABASE, SYSTEM, PUBLIC, INFORMATION = 10, 5, 11, 2200, 13000
TYPES = {
    "name": "VARCHAR",
    '"char"': "VARCHAR",
    "regclass": "BIGINT",
    "regtype": "VARCHAR",
    "regproc": "VARCHAR",
    "regnamespace": "BIGINT",
    "regrole": "BIGINT",
    "xid": "BIGINT",
    "unknown": "VARCHAR",
    "int2vector": "SMALLINT[]",
    "oidvector": "BIGINT[]",
}
TABLES = """
pg_namespace: oid oid, nspname text, nspowner oid 10, nspacl text
pg_class: oid oid, relname text, relnamespace oid 2200, reltype oid 0, reloftype oid 0, relowner
  oid 10, relam oid 2, relfilenode oid 0, reltablespace oid 0, relpages int 0, reltuples float
  -1, relallvisible int 0, reltoastrelid oid 0, relhasindex bool false, relisshared bool false,
  relpersistence text 'p', relkind text 'r', relnatts int2 0, relchecks int2 0, relhasrules bool
  false, relhastriggers bool false, relhassubclass bool false, relrowsecurity bool false,
  relforcerowsecurity bool false, relispopulated bool true, relreplident text 'n',
  relispartition bool false, relrewrite oid 0, relfrozenxid oid 0, relminmxid oid 0, relacl
  text[], reloptions text[], relpartbound text, xmin oid 0
pg_attribute: attrelid oid, attname text, atttypid oid, attstattarget int -1, attlen int2 -1,
  attnum int2, attndims int 0, attcacheoff int -1, atttypmod int -1, attbyval bool false,
  attalign text 'i', attstorage text 'x', attcompression text '', attnotnull bool false,
  atthasdef bool false, atthasmissing bool false, attidentity text '', attgenerated text '',
  attisdropped bool false, attislocal bool true, attinhcount int 0, attcollation oid 0, attacl
  text[], attoptions text[], attfdwoptions text[], attmissingval text
pg_type: oid oid, typname text, typnamespace oid 11, typowner oid 10, typlen int2 -1, typbyval
  bool false, typtype text 'b', typcategory text 'U', typispreferred bool false, typisdefined
  bool true, typdelim text ',', typrelid oid 0, typsubscript text, typelem oid 0, typarray oid
  0, typinput text, typoutput text, typreceive text, typsend text, typmodin text, typmodout
  text, typanalyze text, typalign text 'i', typstorage text 'p', typnotnull bool false,
  typbasetype oid 0, typtypmod int -1, typndims int 0, typcollation oid 0, typdefaultbin text,
  typdefault text, typacl text[]
pg_database: oid oid, datname text, datdba oid 10, encoding int 6, datlocprovider text 'c',
  datistemplate bool false, datallowconn bool true, datconnlimit int -1, datfrozenxid oid 0,
  datminmxid oid 0, dattablespace oid 1663, datcollate text 'C', datctype text 'C', daticulocale
  text, datcollversion text, datacl text[]
pg_roles: oid oid, rolname text, rolsuper bool false, rolinherit bool true, rolcreaterole bool
  false, rolcreatedb bool false, rolcanlogin bool true, rolreplication bool false, rolconnlimit
  int -1, rolpassword text, rolvaliduntil timestamptz, rolbypassrls bool false, rolconfig text[]
pg_user: usename text, usesysid oid, usecreatedb bool false, usesuper bool false, userepl bool
  false, usebypassrls bool false, passwd text, valuntil timestamptz, useconfig text[]
pg_settings: name text, setting text, unit text, category text, short_desc text, extra_desc
  text, context text 'user', vartype text 'string', source text 'default', min_val text, max_val
  text, enumvals text[], boot_val text, reset_val text, sourcefile text, sourceline int,
  pending_restart bool false
pg_description: objoid oid, classoid oid, objsubid int, description text
pg_am: oid oid, amname text, amhandler text, amtype text 't'
pg_tablespace: oid oid, spcname text, spcowner oid 10, spcacl text[], spcoptions text[]
pg_language: oid oid, lanname text, lanowner oid 10, lanispl bool false, lanpltrusted bool
  false, lanplcallfoid oid 0, laninline oid 0, lanvalidator oid 0, lanacl text[]
pg_index: indexrelid oid, indrelid oid, indnatts int2, indnkeyatts int2, indisunique bool,
  indnullsnotdistinct bool, indisprimary bool, indisexclusion bool, indimmediate bool,
  indisclustered bool, indisvalid bool, indcheckxmin bool, indisready bool, indislive bool,
  indisreplident bool, indkey int2[], indcollation oid[], indclass oid[], indoption int2[],
  indexprs text, indpred text
pg_constraint: oid oid, conname text, connamespace oid, contype text, condeferrable bool,
  condeferred bool, convalidated bool, conrelid oid, contypid oid, conindid oid, conparentid
  oid, confrelid oid, confupdtype text, confdeltype text, confmatchtype text, conislocal bool,
  coninhcount int, connoinherit bool, conkey int2[], confkey int2[], conpfeqop oid[], conppeqop
  oid[], conffeqop oid[], confdelsetcols int2[], conexclop oid[], conbin text
pg_inherits: inhrelid oid, inhparent oid, inhseqno int, inhdetachpending bool
pg_attrdef: oid oid, adrelid oid, adnum int2, adbin text
pg_proc: oid oid, proname text, pronamespace oid, proowner oid, prolang oid, procost float,
  prorows float, provariadic oid, prosupport text, prokind text, prosecdef bool, proleakproof
  bool, proisstrict bool, proretset bool, provolatile text, proparallel text, pronargs int2,
  pronargdefaults int2, prorettype oid, proargtypes oid[], proallargtypes oid[], proargmodes
  text[], proargnames text[], proargdefaults text, protrftypes oid[], prosrc text, probin text,
  prosqlbody text, proconfig text[], proacl text[]
pg_trigger: oid oid, tgrelid oid, tgparentid oid, tgname text, tgfoid oid, tgtype int2,
  tgenabled text, tgisinternal bool, tgconstrrelid oid, tgconstrindid oid, tgconstraint oid,
  tgdeferrable bool, tginitdeferred bool, tgnargs int2, tgattr int2[], tgargs text, tgqual text,
  tgoldtable text, tgnewtable text
pg_rewrite: oid oid, rulename text, ev_class oid, ev_type text, ev_enabled text, is_instead
  bool, ev_qual text, ev_action text
pg_policy: oid oid, polname text, polrelid oid, polcmd text, polpermissive bool, polroles oid[],
  polqual text, polwithcheck text
pg_statistic_ext: oid oid, stxrelid oid, stxname text, stxnamespace oid, stxowner oid,
  stxstattarget int, stxkeys int2[], stxkind text[], stxexprs text
pg_publication: oid oid, pubname text, pubowner oid, puballtables bool, pubinsert bool,
  pubupdate bool, pubdelete bool, pubtruncate bool, pubviaroot bool
pg_publication_rel: oid oid, prpubid oid, prrelid oid, prqual text, prattrs int2[]
pg_publication_namespace: oid oid, pnpubid oid, pnnspid oid
pg_enum: oid oid, enumtypid oid, enumsortorder float, enumlabel text
pg_range: rngtypid oid, rngsubtype oid, rngmultitypid oid, rngcollation oid, rngsubopc oid,
  rngcanonical text, rngsubdiff text
pg_collation: oid oid, collname text, collnamespace oid, collowner oid, collprovider text,
  collisdeterministic bool, collencoding int, collcollate text, collctype text, colliculocale
  text, collversion text
pg_sequence: seqrelid oid, seqtypid oid, seqstart bigint, seqincrement bigint, seqmax bigint,
  seqmin bigint, seqcache bigint, seqcycle bool
pg_sequences: schemaname text, sequencename text, sequenceowner text, data_type text,
  start_value bigint, min_value bigint, max_value bigint, increment_by bigint, cycle bool,
  cache_size bigint, last_value bigint
pg_depend: classid oid, objid oid, objsubid int, refclassid oid, refobjid oid, refobjsubid int,
  deptype text
pg_shdepend: dbid oid, classid oid, objid oid, objsubid int, refclassid oid, refobjid oid,
  deptype text
pg_extension: oid oid, extname text, extowner oid, extnamespace oid, extrelocatable bool,
  extversion text, extconfig oid[], extcondition text[]
pg_available_extensions: name text, default_version text, installed_version text, comment text
pg_foreign_table: ftrelid oid, ftserver oid, ftoptions text[]
pg_foreign_server: oid oid, srvname text, srvowner oid, srvfdw oid, srvtype text, srvversion
  text, srvacl text[], srvoptions text[]
pg_foreign_data_wrapper: oid oid, fdwname text, fdwowner oid, fdwhandler oid, fdwvalidator oid,
  fdwacl text[], fdwoptions text[]
pg_auth_members: oid oid, roleid oid, member oid, grantor oid, admin_option bool, inherit_option
  bool, set_option bool
pg_shdescription: objoid oid, classoid oid, description text
pg_event_trigger: oid oid, evtname text, evtevent text, evtowner oid, evtfoid oid, evtenabled
  text, evttags text[]
pg_partitioned_table: partrelid oid, partstrat text, partnatts int2, partdefid oid, partattrs
  int2[], partclass oid[], partcollation oid[], partexprs text
pg_cast: oid oid, castsource oid, casttarget oid, castfunc oid, castcontext text, castmethod
  text
pg_operator: oid oid, oprname text, oprnamespace oid, oprowner oid, oprkind text, oprcanmerge
  bool, oprcanhash bool, oprleft oid, oprright oid, oprresult oid, oprcom oid, oprnegate oid,
  oprcode text, oprrest text, oprjoin text
pg_opclass: oid oid, opcmethod oid, opcname text, opcnamespace oid, opcowner oid, opcfamily oid,
  opcintype oid, opcdefault bool, opckeytype oid
pg_aggregate: aggfnoid text, aggkind text, aggnumdirectargs int2
pg_matviews: schemaname text, matviewname text, matviewowner text, tablespace text, hasindexes
  bool, ispopulated bool, definition text
pg_indexes: schemaname text, tablename text, indexname text, tablespace text, indexdef text
pg_locks: locktype text, database oid, relation oid, pid int, mode text, granted bool
pg_stat_activity: datid oid, datname text, pid int, usesysid oid, usename text, application_name
  text, client_addr text, state text, query text, query_start timestamptz, backend_type text
pg_stat_user_tables: relid oid, schemaname text, relname text, seq_scan bigint, idx_scan bigint,
  n_live_tup bigint, n_dead_tup bigint
pg_timezone_names: name text, abbrev text, utc_offset interval, is_dst bool
"""
VIEWS = {
    "pg_tables": "SELECT 'public' AS schemaname, relname AS tablename, 'logpond' AS tableowner, "
    "NULL::VARCHAR AS tablespace, false AS hasindexes, false AS hasrules, false AS hastriggers, "
    "false AS rowsecurity FROM pgc.pg_class WHERE relkind = 'r'",
    "pg_views": "SELECT 'public' AS schemaname, relname AS viewname, 'logpond' AS viewowner, "
    "NULL::VARCHAR AS definition FROM pgc.pg_class WHERE relkind = 'v'",
    "pg_authid": "SELECT * FROM pgc.pg_roles",
}
INFORMATION_SCHEMA = {
    "schemata": "SELECT 'logpond' AS catalog_name, nspname AS schema_name, "
    "'logpond' AS schema_owner, NULL::VARCHAR AS default_character_set_catalog, "
    "NULL::VARCHAR AS default_character_set_schema, "
    "NULL::VARCHAR AS default_character_set_name, NULL::VARCHAR AS sql_path FROM pgc.pg_namespace",
    "tables": "SELECT 'logpond' AS table_catalog, 'public' AS table_schema, relname AS table_name, "
    "CASE relkind WHEN 'v' THEN 'VIEW' ELSE 'BASE TABLE' END AS table_type, "
    "NULL::VARCHAR AS self_referencing_column_name, NULL::VARCHAR AS reference_generation, "
    "NULL::VARCHAR AS user_defined_type_catalog, NULL::VARCHAR AS user_defined_type_schema, "
    "NULL::VARCHAR AS user_defined_type_name, 'NO' AS is_insertable_into, 'NO' AS is_typed, "
    "NULL::VARCHAR AS commit_action FROM pgc.pg_class",
    "views": "SELECT 'logpond' AS table_catalog, 'public' AS table_schema, relname AS table_name, "
    "NULL::VARCHAR AS view_definition, 'NONE' AS check_option, 'NO' AS is_updatable, "
    "'NO' AS is_insertable_into FROM pgc.pg_class WHERE relkind = 'v'",
    "columns": "SELECT 'logpond' AS table_catalog, 'public' AS table_schema, "
    "c.relname AS table_name, a.attname AS column_name, "
    "a.attnum::INTEGER AS ordinal_position, NULL::VARCHAR AS column_default, "
    "'YES' AS is_nullable, format_type(a.atttypid, NULL) AS data_type, "
    "NULL::INTEGER AS character_maximum_length, NULL::INTEGER AS character_octet_length, "
    "CASE t.typname WHEN 'int2' THEN 16 WHEN 'int4' THEN 32 WHEN 'int8' THEN 64 "
    "WHEN 'float4' THEN 24 WHEN 'float8' THEN 53 END AS numeric_precision, "
    "CASE WHEN t.typname LIKE 'int_' THEN 0 END AS numeric_scale, "
    "CASE WHEN t.typname LIKE 'time%' THEN 6 END AS datetime_precision, "
    "NULL::VARCHAR AS interval_type, NULL::VARCHAR AS character_set_name, "
    "NULL::VARCHAR AS collation_name, NULL::VARCHAR AS domain_name, 'logpond' AS udt_catalog, "
    "'pg_catalog' AS udt_schema, t.typname AS udt_name, a.attnum::VARCHAR AS dtd_identifier, "
    "'NO' AS is_identity, NULL::VARCHAR AS identity_generation, 'NEVER' AS is_generated, "
    "NULL::VARCHAR AS generation_expression, 'NO' AS is_updatable FROM pgc.pg_attribute a "
    "JOIN pgc.pg_class c ON c.oid = a.attrelid JOIN pgc.pg_type t ON t.oid = a.atttypid",
}
NONE_OF = """
table_constraints: constraint_catalog text, constraint_schema text, constraint_name text,
  table_catalog text, table_schema text, table_name text, constraint_type text, is_deferrable
  text, initially_deferred text
key_column_usage: constraint_catalog text, constraint_schema text, constraint_name text,
  table_catalog text, table_schema text, table_name text, column_name text, ordinal_position
  int, position_in_unique_constraint int
referential_constraints: constraint_catalog text, constraint_schema text, constraint_name text,
  unique_constraint_catalog text, unique_constraint_schema text, unique_constraint_name text,
  match_option text, update_rule text, delete_rule text
constraint_column_usage: table_catalog text, table_schema text, table_name text, column_name
  text, constraint_catalog text, constraint_schema text, constraint_name text
routines: specific_catalog text, specific_schema text, specific_name text, routine_catalog text,
  routine_schema text, routine_name text, routine_type text, data_type text
parameters: specific_catalog text, specific_schema text, specific_name text, ordinal_position
  int, parameter_name text, data_type text
sequences: sequence_catalog text, sequence_schema text, sequence_name text, data_type text
triggers: trigger_catalog text, trigger_schema text, trigger_name text, event_manipulation text,
  event_object_schema text, event_object_table text
"""
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


def columns(line: str) -> tuple[str, str]:
    """Returns the name of a table, and its columns as CREATE TABLE has them."""
    name, _, listed = " ".join(line.split()).partition(": ")
    found = []
    for column in listed.split(", "):
        head, *default = column.split(" ", 2)[:2], *column.split(" ", 2)[2:]
        found.append(" ".join(head) + (f" DEFAULT {default[0]}" if default else ""))
    return name, ", ".join(found)


def statements(version: str) -> list[str]:
    """Returns what makes the schemas `pgc` and `pgi`, with no rows in them."""
    made = [f"CREATE TYPE pgc.{name} AS {of}" for name, of in TYPES.items()]
    for schema, lines in (("pgc", TABLES), ("pgi", NONE_OF)):
        for name, listed in map(columns, re.split(r"\n(?=\S)", lines.strip())):
            made.append(f"CREATE TABLE pgc.{name} ({listed})".replace("pgc.", f"{schema}.", 1))
    made.append("CREATE TABLE pgc.names (name text, oid oid)")
    made += [f"CREATE MACRO pgc.{one}" for one in _overloaded(version)]
    made += [f"CREATE VIEW pgc.{name} AS {select}" for name, select in VIEWS.items()]
    return made + [f"CREATE VIEW pgi.{name} AS {of}" for name, of in INFORMATION_SCHEMA.items()]


def _overloaded(version: str) -> list[str]:
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
