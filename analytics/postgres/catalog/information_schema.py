"""The tables of `information_schema`, made of those of the catalog. Pure.

Those of `NONE_OF`, a paragraph each as in `pg_catalog`, have no rows.
"""

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
