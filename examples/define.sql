-- Defines, or changes, the workflow of a file, to run as shop:
--
--	psql -d shop -f examples/define.sql -v definition="$(cat examples/low_stock.json)"
--
-- psql variable tenant: whose workflow it is.

\if :{?tenant}
\else
\set tenant '00000000-0000-0000-0000-000000000001'
\endif

SET workflow_engine.default_run_as = 'shop';
SELECT wf_define(:'tenant', :'definition');
