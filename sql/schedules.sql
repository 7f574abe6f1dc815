--
-- Schedules: definitions that fire by themselves.
--
-- The workers' clock is the real one here.  This session's clock is moved, and
-- it does what a worker does: it calls wf_fire_schedules().
--
CREATE FUNCTION t.clock(moment timestamptz) RETURNS void LANGUAGE sql AS $$
SELECT set_config('workflow_engine.clock_offset',
	ceil(extract(epoch FROM moment - clock_timestamp()))::int::text, false);
$$;

CREATE FUNCTION t.schedule(workflow text, schedule jsonb) RETURNS void
LANGUAGE sql SET client_min_messages = error AS $$
SELECT wf_define(t.a(), jsonb_build_object('name', workflow,
	'schedule', schedule, 'steps', '[{"name": "note",
	"action": "insert_record", "params": {"table": "t.seen",
	"fields": {"what": "{{ trigger.scheduled_for }}"}}}]'::jsonb));
$$;

-- The next n times of a schedule after a moment, as its zone's clock shows.
CREATE FUNCTION t.times(cron text, zone text, after timestamptz, n int)
RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	moment timestamptz := after;
BEGIN
	FOR i IN 1 .. n LOOP
		PERFORM t.clock(moment);
		PERFORM t.schedule('times', jsonb_build_object('cron', cron,
			'time_zone', zone, 'name', 'times ' || i));
		SELECT next_at INTO moment FROM workflow_schedules s
		JOIN workflow_definitions d ON d.id = s.definition_id
		WHERE d.name = 'times';
		PERFORM set_config('timezone', zone, true);
		RETURN NEXT moment::text;
	END LOOP;
END $$;

SET timezone = 'UTC';

-- A definition with a schedule needs no trigger type.
SELECT t.clock('2031-03-03 07:00 UTC');
SELECT t.schedule('daily', '{"cron": "0 8 * * mon-fri",
	"time_zone": "Asia/Beirut", "payload": {"for": "accounting"}}');
SELECT trigger_type FROM workflow_definitions WHERE name = 'daily';
SELECT workflow_name, schedule, next_at, last_at, last_run_id
FROM wf_schedules(t.a());

-- Nothing is fired before its time; at its time it is, once.
SELECT wf_fire_schedules();
SELECT t.clock('2031-03-04 06:00:01 UTC');
SELECT wf_fire_schedules();
SELECT wf_fire_schedules();
SELECT trigger_payload FROM workflow_runs r
JOIN workflow_definitions d ON d.id = r.definition_id WHERE d.name = 'daily';
SELECT s.schedule, s.last_at, s.next_at, r.id IS NOT NULL AS has_run
FROM wf_schedules(t.a()) s LEFT JOIN workflow_runs r ON r.id = s.last_run_id;

-- Missed times: the newest alone is fired ...
CREATE FUNCTION t.fired(workflow text) RETURNS SETOF text LANGUAGE sql AS $$
SELECT trigger_payload->>'scheduled_for' FROM workflow_runs r
JOIN workflow_definitions d ON d.id = r.definition_id
WHERE d.name = workflow ORDER BY r.id;
$$;
SELECT t.clock('2031-03-20 12:00 UTC');
SELECT wf_fire_schedules();
SELECT t.fired('daily');

-- ... or each, or none; a schedule keeps its state by its name.
SELECT t.schedule('hourly', '[
	{"cron": "@hourly", "time_zone": "UTC", "catch_up": "all", "name": "all"},
	{"cron": "@hourly", "time_zone": "UTC", "catch_up": "none", "name": "none"}]');
SELECT t.clock('2031-03-20 15:30 UTC');
SELECT wf_fire_schedules();
SELECT t.fired('hourly');
SELECT t.clock('2031-03-20 16:00:30 UTC');
SELECT wf_fire_schedules();
SELECT t.fired('hourly');

-- At most a thousand of them, the newest.
SELECT t.schedule('minutes', '{"cron": "* * * * *", "time_zone": "UTC",
	"catch_up": "all"}');
SELECT t.clock('2032-03-20 16:00:30 UTC');
SELECT wf_fire_schedules() IS NOT NULL;
SELECT count(*), min(t), max(t) FROM t.fired('minutes') t;

-- What is switched off or paused fires nothing, and catches up afterwards.
UPDATE workflow_definitions SET is_active = name = 'daily';
SELECT wf_pause(t.a());
SELECT t.clock('2032-04-01 12:00 UTC');
SELECT wf_fire_schedules();
SELECT count(*) FROM t.fired('daily');
SELECT wf_resume(t.a());
SELECT wf_fire_schedules();
SELECT * FROM t.fired('daily') OFFSET 2;

-- Other times count from now on; the name keeps what was fired.
SELECT t.schedule('named', '{"cron": "0 6 * * *", "time_zone": "UTC",
	"name": "morning"}');
SELECT t.clock('2032-04-02 06:00 UTC');
SELECT wf_fire_schedules() IS NOT NULL;
SELECT t.schedule('named', '{"cron": "30 7 * * *", "time_zone": "UTC",
	"name": "morning"}');
SELECT next_at, last_at FROM wf_schedules() WHERE workflow_name = 'named';
-- An unchanged schedule is left alone, a dropped one goes.
SELECT wf_define(t.a(), d.definition || '{"description": "x"}')
	IS NOT NULL AS saved FROM workflow_definitions d WHERE name = 'named';
SELECT next_at, last_at FROM wf_schedules() WHERE workflow_name = 'named';
SELECT wf_define(t.a(), d.definition - 'schedule'
	|| '{"trigger_type": "schedule"}')
	IS NOT NULL AS saved FROM workflow_definitions d WHERE name = 'named';
SELECT count(*) FROM wf_schedules() WHERE workflow_name = 'named';
DELETE FROM workflow_runs r USING workflow_definitions d
WHERE d.id = r.definition_id AND d.name IN ('named', 'minutes');
DELETE FROM workflow_definitions WHERE name = 'minutes';
SELECT count(*) FROM workflow_schedules WHERE key LIKE '* * * * *%';

-- What somebody has added to workflow_runs refuses one; the others go on.
CREATE FUNCTION t.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF new.trigger_payload ? 'refused' THEN
		RAISE 'not this one';
	END IF;
	RETURN new;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON workflow_runs
	FOR EACH ROW EXECUTE FUNCTION t.refuse();
UPDATE workflow_definitions SET is_active = true WHERE name <> 'hourly';
SELECT t.schedule('refused', '{"cron": "0 0 * * *", "time_zone": "UTC",
	"payload": {"refused": true}}');
SELECT t.clock('2032-04-05 12:00 UTC');
SELECT wf_fire_schedules();
SELECT error FROM workflow_schedules WHERE error IS NOT NULL;
SELECT * FROM t.fired('daily') OFFSET 3;
DROP TRIGGER refuse ON workflow_runs;
SELECT wf_fire_schedules();
SELECT * FROM t.fired('refused');
SELECT count(*) FROM workflow_schedules WHERE error IS NOT NULL;

--
-- When clocks are changed
--
-- Beirut: 00:00 to 01:00 on 30 March 2031; 00:00 back to 23:00 on 26 October.
SELECT t.times('0 0 * * *', 'Asia/Beirut', '2031-03-29 12:00 UTC', 3);
SELECT t.times('30 23 * * *', 'Asia/Beirut', '2031-10-24 12:00 UTC', 3);
-- Berlin: 02:00 to 03:00, 03:00 back to 02:00.
SELECT t.times('30 2 * * *', 'Europe/Berlin', '2031-03-29 12:00 UTC', 3);
SELECT t.times('0,30 2,3 * * *', 'Europe/Berlin', '2031-03-29 12:00 UTC', 3);
SELECT t.times('30 2 * * *', 'Europe/Berlin', '2031-10-25 12:00 UTC', 3);
SELECT t.times('30 * * * *', 'Europe/Berlin', '2031-03-29 23:40 UTC', 3);
SELECT t.times('30 * * * *', 'Europe/Berlin', '2031-10-25 23:40 UTC', 4);
-- Lord Howe: half an hour.
SELECT t.times('15 2 * * *', 'Australia/Lord_Howe', '2031-10-03 12:00 UTC', 3);
SELECT t.times('45 1 * * *', 'Australia/Lord_Howe', '2031-04-04 12:00 UTC', 3);
SELECT t.times('*/20 */2 * * *', 'America/New_York', '2031-11-02 03:50 UTC', 5);

-- Dates that are rare, and both kinds of days: either is enough.
SELECT t.times('0 12 29 2 *', 'UTC', '2031-01-01 UTC', 1);
SELECT t.times('0 12 13 * fri', 'UTC', '2031-06-01 UTC', 4);
SELECT t.times('0 12 */2 * 7', 'UTC', '2031-06-01 12:00 UTC', 2);
SELECT t.times('5-59/20 0 1 jan,JUL sat-sun', 'UTC', '2031-06-29 UTC', 4);
SELECT t.times('@weekly', 'UTC', '2031-06-29 UTC', 2);

--
-- What is refused
--
SELECT path, message, hint FROM wf_validate('{"name": "x", "schedule": [
	{"cron": "0 8 * *", "time_zone": "UTC"},
	{"cron": "0 8 * * * *", "time_zone": "UTC"},
	{"cron": "60 8 * * *", "time_zone": "UTC"},
	{"cron": "0 8 30 feb *", "time_zone": "UTC"},
	{"cron": "0 8 * * mon-", "time_zone": "UTC"},
	{"cron": "0 17-8 * * *", "time_zone": "UTC"},
	{"cron": "5/15 * * * *", "time_zone": "UTC"},
	{"cron": "*/0 * * * *", "time_zone": "UTC"},
	{"cron": "0 8 L * *", "time_zone": "UTC"},
	{"cron": "0 8 * * ?", "time_zone": "UTC"},
	{"cron": "@reboot", "time_zone": "UTC"},
	{"cron": "@dayly", "time_zone": "UTC"},
	{"cron": "0 8 * * *"},
	{"cron": "0 8 * * *", "time_zone": "Beirut"},
	{"cron": "0 8 * * *", "time_zone": "EST5EDT4,M3.2.0,M11.1.0"},
	{"cron": "0 8 * * *", "time_zone": "UTC", "catchup": "last"},
	{"cron": "0 8 * * *", "time_zone": "UTC", "catch_up": "lsat"},
	{"cron": "0 8 * * *", "time_zone": "UTC", "payload": []},
	{"cron": "0 8 * * *", "time_zone": "UTC", "payload": {"scheduled_for": 1}},
	{"time_zone": "UTC"}, "0 8 * * *",
	{"cron": "0 8 * * *", "time_zone": "UTC"},
	{"cron": "0 8 * * *", "time_zone": "UTC"}
	], "steps": [{"name": "a", "action": "webhook",
	"params": {"url": "http://localhost/"}}]}');
SELECT path, message, hint FROM wf_validate('{"name": "x", "schedule": [],
	"steps": [{"name": "a", "action": "webhook",
	"params": {"url": "http://localhost/"}}]}');

-- A bound session sees its tenant's; nobody but the workers fires.
SET workflow_engine.tenant_id = '00000000-0000-4000-8000-00000000000b';
SELECT count(*) FROM wf_schedules();
RESET workflow_engine.tenant_id;
CREATE ROLE wf_test_schedules;
GRANT EXECUTE ON FUNCTION wf_fire_schedules() TO wf_test_schedules;
SET ROLE wf_test_schedules;
SELECT wf_fire_schedules();
RESET ROLE;
REVOKE EXECUTE ON FUNCTION wf_fire_schedules() FROM wf_test_schedules;
DROP ROLE wf_test_schedules;
RESET workflow_engine.clock_offset;
DELETE FROM workflow_runs r USING workflow_definitions d
WHERE d.id = r.definition_id AND d.trigger_type = 'schedule';
DELETE FROM workflow_definitions WHERE trigger_type = 'schedule';

DROP FUNCTION t.refuse();
