// Preloaded into a measured process: at its end it tells how much memory was resident at most, in bytes.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';

const file = process.env.BENCH_PEAK_FILE;
if (file !== undefined) process.on('exit', () => writeFileSync(file, String(peakBytes())));

// On Linux not maxRSS: it begins with what the parent had resident when it started this process.
function peakBytes() {
  const status = '/proc/self/status';
  const peak = existsSync(status) ? /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(status, 'utf8'))?.[1] : undefined;
  return (peak === undefined ? process.resourceUsage().maxRSS : Number(peak)) * 1024;
}
