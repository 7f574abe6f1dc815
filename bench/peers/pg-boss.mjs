/*
 * pg-boss, at its best here: batches of 100 jobs, four at a time, each done
 * and completed in one transaction (transactional), with no pause between
 * while batches are full.  One UPDATE does the orders of a batch; with EACH in
 * the environment, each job has its own, and two batches at a time are best.
 * A job's row stays: its state and times, and one output.
 */
import { readFileSync } from "node:fs";
import { PgBoss } from "pg-boss";

const queue = "confirm";
const settings = {
  batchSize: 100,
  transactional: true,
  burstWhenBatchFull: true,
  pollingIntervalSeconds: 0.5,
  localConcurrency: process.env.EACH ? 2 : 4,
};
let boss;

export const left =
  "SELECT FROM pgboss.job WHERE state < 'completed' LIMIT 1";
export const tables = "pgboss.job";

export function describe() {
  const { version } = JSON.parse(
    readFileSync("node_modules/pg-boss/package.json"),
  );
  return `pg-boss ${version} ${JSON.stringify(settings)}`;
}

async function open(options) {
  const opened = new PgBoss({
    connectionString: "postgres:///bench",
    max: settings.localConcurrency + 4,
    ...options,
  });
  opened.on("error", console.error);
  await opened.start();
  return opened;
}

/* The schema and the queue, with no job in it. */
export async function prepare() {
  const first = await open({});
  await first.createQueue(queue);
  await first.deleteAllJobs(queue);
  await first.stop({ graceful: false });
}

export async function add(client, count) {
  await client.query(
    `INSERT INTO pgboss.job (name, data)
     SELECT $1, jsonb_build_object('id', n) FROM generate_series(1, $2::int) n`,
    [queue, count],
  );
}

function confirm(tx, ids) {
  return tx.executeSql(
    "UPDATE orders SET status = 'confirmed' WHERE id = ANY($1::int[])",
    [ids],
  );
}

async function confirmEach(tx, ids) {
  for (const id of ids)
    await tx.executeSql(
      "UPDATE orders SET status = 'confirmed' WHERE id = $1",
      [id],
    );
}

export async function start(done) {
  const act = process.env.EACH ? confirmEach : confirm;

  boss = await open({ supervise: false, schedule: false, migrate: false });
  await boss.work(queue, settings, async (jobs, tx) => {
    await act(
      tx,
      jobs.map((job) => job.data.id),
    );
    done(jobs.length);
  });
}

export async function stop() {
  await boss.stop({ graceful: true, timeout: 5000 });
}
