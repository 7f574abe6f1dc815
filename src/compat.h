/*
 * compat.h
 *	  Every difference between server versions, and nowhere else.
 *
 * Include it right after postgres.h.  Supported: 15 and up.
 */
#ifndef WF_COMPAT_H
#define WF_COMPAT_H

#include "postgres.h"
#include "fmgr.h"
#if PG_VERSION_NUM >= 160000
#include "varatt.h"

/* the numbers of catalogs that the macros below name */
#include "catalog/pg_class_d.h"
#include "catalog/pg_database_d.h"
#include "catalog/pg_namespace_d.h"
#include "catalog/pg_proc_d.h"
#endif

#if PG_VERSION_NUM < 150000
#error "workflow_engine needs PostgreSQL 15 or newer"
#endif

/*
 * We compile with hidden visibility everywhere.  15 leaves PGDLLEXPORT empty
 * on ELF platforms; from 16 on it is what we need.
 */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#undef PG_FUNCTION_INFO_V1
#define PG_FUNCTION_INFO_V1(funcname) \
extern PGDLLEXPORT Datum funcname(PG_FUNCTION_ARGS); \
extern PGDLLEXPORT const Pg_finfo_record * \
CppConcat(pg_finfo_,funcname) (void); \
const Pg_finfo_record * \
CppConcat(pg_finfo_,funcname) (void) \
{ \
	static const Pg_finfo_record my_finfo = { 1 }; \
	return &my_finfo; \
} \
extern int no_such_variable
#endif

/* After a function's declaration: it never returns. */
#define compat_noreturn __attribute__((noreturn))

/* Text to a list of names; raises 42602 where it is none. */
#if PG_VERSION_NUM >= 160000
#define compat_qualified_name_list(text) stringToQualifiedNameList(text, NULL)
#else
#define compat_qualified_name_list(text) stringToQualifiedNameList(text)
#endif

/* What a check hook allocates: from 16 on the GUC context's own allocator. */
#if PG_VERSION_NUM < 160000
#define guc_malloc(elevel, size) malloc(size)
#define guc_free(pointer) free(pointer)
#define guc_strdup(elevel, text) strdup(text)
#endif

/* All settings, *n of them; from 16 on an array in the current context. */
#if PG_VERSION_NUM >= 160000
#define compat_all_settings(n) get_guc_variables(n)
#else
#define compat_all_settings(n) \
	(*(n) = GetNumConfigOptions(), get_guc_variables())
#endif

/*
 * Makes a setting one that nobody has set, so that its default can be set.
 * From 16 on those that somebody has set are on a list.
 */
#if PG_VERSION_NUM >= 160000
#define compat_forget_source(setting) \
	do { \
		if ((setting)->source != PGC_S_DEFAULT) \
			dlist_delete(&(setting)->nondef_link); \
		(setting)->source = (setting)->reset_source = PGC_S_DEFAULT; \
	} while (0)
#else
#define compat_forget_source(setting) \
	((setting)->source = (setting)->reset_source = PGC_S_DEFAULT)
#endif

/* Is role the owner of that database (or may it act as the owner)? */
#if PG_VERSION_NUM < 160000
#define compat_database_ownercheck(database, role) \
	pg_database_ownercheck(database, role)
#else
#define compat_database_ownercheck(database, role) \
	object_ownercheck(DatabaseRelationId, database, role)
#endif

/* May role act as the table's owner? */
#if PG_VERSION_NUM < 160000
#define compat_table_ownercheck(table, role) pg_class_ownercheck(table, role)
#else
#define compat_table_ownercheck(table, role) \
	object_ownercheck(RelationRelationId, table, role)
#endif

/* May role act as the function's owner, and what may it do with it? */
#if PG_VERSION_NUM < 160000
#define compat_function_ownercheck(function, role) \
	pg_proc_ownercheck(function, role)
#define compat_function_aclcheck(function, role, mode) \
	pg_proc_aclcheck(function, role, mode)
#else
#define compat_function_ownercheck(function, role) \
	object_ownercheck(ProcedureRelationId, function, role)
#define compat_function_aclcheck(function, role, mode) \
	object_aclcheck(ProcedureRelationId, function, role, mode)
#endif

/* What may role do with the schema? */
#if PG_VERSION_NUM < 160000
#define compat_schema_aclcheck(schema, role, mode) \
	pg_namespace_aclcheck(schema, role, mode)
#else
#define compat_schema_aclcheck(schema, role, mode) \
	object_aclcheck(NamespaceRelationId, schema, role, mode)
#endif

/* A set that lives as long as the process. */
#if PG_VERSION_NUM >= 170000
#define compat_create_wait_event_set(n) CreateWaitEventSet(NULL, n)
#else
#define compat_create_wait_event_set(n) CreateWaitEventSet(TopMemoryContext, n)
#endif

/* Further settings that a worker guards: {name, value}, ... */
#if PG_VERSION_NUM >= 170000
#define COMPAT_GUARDED_SETTINGS {"transaction_timeout", "0"},
#else
#define COMPAT_GUARDED_SETTINGS
#endif

/* Settings by which a step could end its worker. */
#if PG_VERSION_NUM >= 170000
#define COMPAT_PINNED_SETTINGS "exit_on_error", "transaction_timeout"
#else
#define COMPAT_PINNED_SETTINGS "exit_on_error"
#endif

/* Index entries of a row that was inserted through the access method. */
#if PG_VERSION_NUM >= 160000
#define compat_insert_index_tuples(rel, slot, estate, nodup, conflict, arb) \
	ExecInsertIndexTuples(rel, slot, estate, false, nodup, conflict, arb, \
						  false)
#else
#define compat_insert_index_tuples(rel, slot, estate, nodup, conflict, arb) \
	ExecInsertIndexTuples(rel, slot, estate, false, nodup, conflict, arb)
#endif

/* Index entries of a row that was updated through it. */
#if PG_VERSION_NUM >= 160000
#define CompatUpdateIndexes TU_UpdateIndexes
#define compat_needs_index_entries(indexes) ((indexes) != TU_None)
#define compat_update_index_tuples(rel, slot, estate, indexes) \
	ExecInsertIndexTuples(rel, slot, estate, true, false, NULL, NIL, \
						  (indexes) == TU_Summarizing)
#else
#define CompatUpdateIndexes bool
#define compat_needs_index_entries(indexes) (indexes)
#define compat_update_index_tuples(rel, slot, estate, indexes) \
	ExecInsertIndexTuples(rel, slot, estate, true, false, NULL, NIL)
#endif

#if PG_VERSION_NUM >= 180000
#define compat_index_beginscan(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, NULL, nkeys, 0)
#else
#define compat_index_beginscan(rel, index, snapshot, nkeys) \
	index_beginscan(rel, index, snapshot, nkeys, 0)
#endif

#if PG_VERSION_NUM >= 180000
#define compat_check_index_constraints(rel, slot, estate, tid, arb) \
	ExecCheckIndexConstraints(rel, slot, estate, tid, NULL, arb)
#else
#define compat_check_index_constraints(rel, slot, estate, tid, arb) \
	ExecCheckIndexConstraints(rel, slot, estate, tid, arb)
#endif

/*
 * Can column i (from 0) hold no null?  From 18 on a NOT NULL may not have been
 * checked for the rows that were there.
 */
#if PG_VERSION_NUM >= 180000
#define compat_is_not_null(desc, i) \
	(TupleDescAttr(desc, i)->attnotnull && \
	 TupleDescCompactAttr(desc, i)->attnullability != ATTNULLABLE_INVALID)
#else
#define compat_is_not_null(desc, i) (TupleDescAttr(desc, i)->attnotnull)
#endif

/*
 * How many settings are known?  Until 15 every change of one looks at all of
 * them; later versions look only at what was changed, and here it is 0.
 */
#if PG_VERSION_NUM >= 160000
#define compat_count_settings() 0
#else
#define compat_count_settings() GetNumConfigOptions()
#endif

/* Time-outs that a step's SET may have armed. */
#if PG_VERSION_NUM >= 170000
#define compat_forget_step_timeouts() \
	disable_timeout(TRANSACTION_TIMEOUT, false)
#else
#define compat_forget_step_timeouts() ((void) 0)
#endif

/* A minimal tuple and nothing before it, palloc'd. */
#if PG_VERSION_NUM >= 180000
#define compat_form_minimal_tuple(desc, values, isnull) \
	heap_form_minimal_tuple(desc, values, isnull, 0)
#else
#define compat_form_minimal_tuple(desc, values, isnull) \
	heap_form_minimal_tuple(desc, values, isnull)
#endif

/* May member SET ROLE to role? */
#if PG_VERSION_NUM >= 160000
#define compat_can_set_role(member, role) member_can_set_role(member, role)
#else
#define compat_can_set_role(member, role) is_member_of_role(member, role)
#endif

#endif							/* WF_COMPAT_H */
