/*
 * drive.mjs PEER PROCESSES JOBS [WARM]: has so many processes work off so
 * many jobs that are queued before, and prints
 *
 *	JOBS_PER_SECOND CPU_US_PER_JOB WAL_BYTES_PER_JOB WAL_FLUSHES_PER_JOB
 *
 * from the word to go until no job is left in the table.  The CPU is that of
 * the processes and of their backends.  WARM jobs go before, through the same
 * processes, so that their code is compiled.  With one
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
    if (order === "leave") {
      clearInterval(report);
      process.disconnect();
      return;
    }
    if (order === "start") await peer.start((n) => (count += n));
    else if (order === "stop") await peer.stop();
    const { user, system } = process.cpuUsage();

    process.send({ [order]: user + system });
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

/* Returns the CPU that the children have used until then, in microseconds. */
async function tell(children, order) {
  const answers = children.map(async (child) => {
    child.send(order);
    for (;;) {
      const [message] = await once(child, "message");
      if (message[order]) return message[order];
    }
  });
  return (await Promise.all(answers)).reduce((sum, cpu) => sum + cpu, 0);
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
  const cpuBefore = before.cpu + (await tell(children, "cpu"));
  const ended = finished(client, children, count);
  const began = performance.now();

  tell(children, "start");
  await ended;
  const seconds = (performance.now() - began) / 1000;
  const { lsn, cpu } = await figures(client);
  const cpuUsed = cpu + (await tell(children, "cpu")) - cpuBefore;

  await tell(children, "stop");
  for (const child of children) child.removeAllListeners("message");
  return { before, lsn, cpuUsed, seconds };
}

/* WAL so far; CPU of the backends that are there, but this one. */
async function figures(client) {
  const { rows } = await client.query(
    `SELECT lsn, flushes, (SELECT coalesce(sum(cpu_us(pid)), 0)
       FROM pg_stat_activity WHERE backend_type = 'client backend'
       AND pid <> pg_backend_pid()) AS cpu
     FROM bench_wal()`,
  );
  const [{ lsn, flushes, cpu }] = rows;
  return { lsn: Number(lsn), flushes: Number(flushes), cpu: Number(cpu) };
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
  const { before, lsn, cpuUsed, seconds } = await work(client, children, count);
  const exits = children.map((child) => once(child, "exit"));

  for (const child of children) child.send("leave");
  await Promise.all(exits);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const { flushes } = await figures(client);

  await client.end();
  console.log(
    Math.round(count / seconds),
    (cpuUsed / count).toFixed(1),
    Math.round((lsn - before.lsn) / count),
    ((flushes - before.flushes) / count).toFixed(4),
  );
}

if (process.env.BENCH_CHILD) serve();
else if (processes === undefined) console.log(peer.describe());
else await measure();
