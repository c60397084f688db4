"""PostgreSQL's catalog, as far as tools look into it, in words of DuckDB. Pure.

Each table is a paragraph: its columns with their types, and what stands there by default.
"""

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
