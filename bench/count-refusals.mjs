// Preloaded into a measured process: at its end it tells how many of its requests were answered with 429.
import { subscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';

const file = process.env.BENCH_REFUSALS_FILE;
let refusals = 0;
if (file !== undefined) {
  subscribe('http.client.response.finish', ({ response }) => {
    if (response.statusCode === 429) refusals += 1;
  });
  process.on('exit', () => writeFileSync(file, String(refusals)));
}
