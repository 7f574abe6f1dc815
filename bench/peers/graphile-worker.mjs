/*
 * graphile-worker, at its best here: jobs are fetched 500 at a time
 * (localQueue), 48 run at once, their completion is batched.  Statements are
 * prepared once a connection.  A job that completes leaves nothing behind.
 */
import { readFileSync } from "node:fs";
import { Logger, makeWorkerUtils, run } from "graphile-worker";
import pg from "pg";

const connectionString = "postgres:///bench";
const settings = {
  concurrentJobs: 48,
  maxPoolSize: 50,
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
};
const quiet = new Logger(() => (level, message) => {
  if (level === "error") console.error(message);
});
let runner;

export const left = "SELECT FROM graphile_worker._private_jobs LIMIT 1";
export const tables = "graphile_worker._private_jobs";

export function describe() {
  const { version } = JSON.parse(
    readFileSync("node_modules/graphile-worker/package.json"),
  );
  return `graphile-worker ${version} ${JSON.stringify(settings)}`;
}

/* The schema, with no job in it. */
export async function prepare() {
  const utils = await makeWorkerUtils({ connectionString, logger: quiet });
  await utils.migrate();
  await utils.release();
}

export async function add(client, count) {
  await client.query(
    `SELECT count(*) FROM graphile_worker.add_jobs(ARRAY(
       SELECT ('confirm', json_build_object('id', n), NULL, NULL, NULL, NULL,
               NULL, NULL)::graphile_worker.job_spec
       FROM generate_series(1, $1::int) n))`,
    [count],
  );
}

export async function start(done) {
  const pgPool = new pg.Pool({ connectionString, max: settings.maxPoolSize });

  pgPool.on("error", console.error);
  pgPool.on("connect", (client) => client.on("error", console.error));
  runner = await run({
    preset: { worker: settings },
    pgPool,
    logger: quiet,
    noHandleSignals: true,
    taskList: {
      confirm: async ({ id }, { withPgClient }) => {
        await withPgClient((client) =>
          client.query({
            name: "confirm",
            text: "UPDATE orders SET status = 'confirmed' WHERE id = $1",
            values: [id],
          }),
        );
        done(1);
      },
    },
  });
  runner.promise.finally(() => pgPool.end());
}

export async function stop() {
  await runner.stop();
}
