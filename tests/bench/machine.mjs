/** What else this machine does. */

import { cpus } from 'node:os';

/** Share of the processors' time that was in use during `ms`: by others, while the bench itself waits. */
export async function busyShare(ms = 300) {
  const read = () => {
    const times = cpus().map((c) => c.times);
    const idle = times.reduce((sum, t) => sum + t.idle, 0);
    return { idle, all: times.reduce((sum, t) => sum + t.user + t.nice + t.sys + t.irq + t.idle, 0) };
  };
  const before = read();
  await new Promise((resolve) => setTimeout(resolve, ms));
  const after = read();
  return 1 - (after.idle - before.idle) / Math.max(1, after.all - before.all);
}
