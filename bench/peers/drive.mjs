/*
 * drive.mjs PEER PROCESSES JOBS [WARM]: has so many processes work off so
 * many jobs that are queued before, and prints
 *
 *	JOBS_PER_SECOND WAL_BYTES_PER_JOB WAL_FLUSHES_PER_JOB
 *
 * from the word to go until no job is left in the table.  WARM jobs go before,
 * through the same processes, so that their code is compiled.  With one
 * argument it prints what PEER is and how it is set.
 */
import { fork } from "node:child_process";
import { once } from "node:events";
import pg from "pg";

const [name, processes, jobs, warm] = process.argv.slice(2);
const peer = await import(`./${name}.mjs`);

/*--- a process that works: told to start and to stop, tells how many ---*/

function serve() {
  let count = 0;
  const report = setInterval(() => {
    if (count > 0) process.send({ done: count });
    count = 0;
  }, 5);

  process.on("message", async (order) => {
    if (order === "start") await peer.start((n) => (count += n));
    else if (order === "stop") await peer.stop();
    else {
      clearInterval(report);
      process.disconnect();
      return;
    }
    process.send({ [order]: true });
  });
}

/*--- the one that measures ---*/

function staff() {
  const children = [];

  for (let i = 0; i < Number(processes); i++)
    children.push(fork(process.argv[1], [name], { env: childEnvironment() }));
  return children;
}

function childEnvironment() {
  return { ...process.env, BENCH_CHILD: "1" };
}

async function tell(children, order) {
  const answers = children.map(async (child) => {
    child.send(order);
    for (;;) {
      const [message] = await once(child, "message");
      if (message[order]) return;
    }
  });
  await Promise.all(answers);
}

/* Waits until so many jobs are done and none is left. */
async function finished(client, children, count) {
  await new Promise((resolve) => {
    let sum = 0;

    for (const child of children)
      child.on("message", ({ done }) => {
        sum += done ?? 0;
        if (sum >= count) resolve();
      });
  });
  while ((await client.query(peer.left)).rowCount > 0)
    await new Promise((resolve) => setTimeout(resolve, 2));
}

async function work(client, children, count) {
  await peer.add(client, count);
  await client.query(`ANALYZE ${peer.tables}`);
  await client.query("SELECT pg_stat_force_next_flush()");
  const before = await figures(client);
  const ended = finished(client, children, count);
  const began = performance.now();

  tell(children, "start");
  await ended;
  const seconds = (performance.now() - began) / 1000;
  const { lsn } = await figures(client);

  await tell(children, "stop");
  for (const child of children) child.removeAllListeners("message");
  return { before, lsn, seconds };
}

async function figures(client) {
  const { rows } = await client.query("SELECT lsn, flushes FROM bench_wal()");
  return { lsn: Number(rows[0].lsn), flushes: Number(rows[0].flushes) };
}

async function measure() {
  const client = new pg.Client("postgres:///bench");
  const children = staff();
  const count = Number(jobs);

  await client.connect();
  await peer.prepare();
  if (Number(warm) > 0) await work(client, children, Number(warm));
  await peer.prepare();
  await client.query(`VACUUM ${peer.tables}, orders`);
  await client.query("CHECKPOINT");
  const { before, lsn, seconds } = await work(client, children, count);
  const exits = children.map((child) => once(child, "exit"));

  for (const child of children) child.send("leave");
  await Promise.all(exits);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { flushes } = await figures(client);

  await client.end();
  console.log(
    Math.round(count / seconds),
    Math.round((lsn - before.lsn) / count),
    ((flushes - before.flushes) / count).toFixed(4),
  );
}

if (process.env.BENCH_CHILD) serve();
else if (processes === undefined) console.log(peer.describe());
else await measure();
