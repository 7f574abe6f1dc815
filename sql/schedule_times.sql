--
-- wf_schedule_times: when a schedule fires
--
SET timezone = 'UTC';
SELECT * FROM wf_schedule_times('{"cron": "0 8 * * mon-fri", "time_zone": "Asia/Beirut"}', after => '2026-10-22 12:00+00');
SELECT * FROM wf_schedule_times('[{"cron": "@hourly", "time_zone": "UTC", "name": "hourly"}, {"cron": "0 0 29 2 *", "time_zone": "UTC"}]', 2, '2026-01-01 00:00+00');
-- The moment itself is no time after it.
SELECT at FROM wf_schedule_times('{"cron": "0 0 * * *", "time_zone": "UTC"}', 1, '2026-01-01 00:00+00');
SELECT count(*), min(at) > now() AS later FROM wf_schedule_times('{"cron": "* * * * *", "time_zone": "UTC"}') GROUP BY schedule;
SELECT count(*) FROM wf_schedule_times('{"cron": "* * * * *", "time_zone": "UTC"}', 1000);
SELECT count(*) FROM wf_schedule_times(NULL);
-- Of what is saved, it is what fires next.
SELECT wf_define(t.tenant('times'), '{"name": "timed", "schedule": {"cron": "30 4 * * *", "time_zone": "Asia/Riyadh"}, "steps": [
	{"name": "s", "action": "find_record", "params": {"table": "pg_class", "where": {"relname": "none"}}}]}') IS NULL AS no;
SELECT bool_and(x.at = s.next_at) AS same FROM workflow_definitions d, wf_schedules(t.tenant('times')) s, wf_schedule_times(d.definition->'schedule', 1) x
WHERE d.name = 'timed' AND s.definition_id = d.id;
DELETE FROM workflow_definitions WHERE name = 'timed';

SELECT * FROM wf_schedule_times('{"cron": "0 8 * *", "time_zone": "Asia/Beirut"}');
SELECT * FROM wf_schedule_times('{"cron": "0 8 * * *", "time_zone": "Beirut", "x": 1}');
SELECT * FROM wf_schedule_times('7');
SELECT * FROM wf_schedule_times('{"cron": "0 8 * * *", "time_zone": "UTC"}', 0);
SELECT * FROM wf_schedule_times('{"cron": "0 8 * * *", "time_zone": "UTC"}', 1001);
SELECT * FROM wf_schedule_times('{"cron": "0 8 * * *", "time_zone": "UTC"}', after => 'infinity');
