// Which process this is, so that another one can tell whether it still lives: host (name and boot), pid namespace, pid
// and the moment it started. Read from /proc where there is one.
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface ProcessIdentity {
  host: string;
  pidNamespace: string;
  pid: number;
  /** Clock ticks since boot (proc(5), stat field 22): tells a process from a later one with the same pid. */
  processStart: string;
}

export function thisProcess(): ProcessIdentity {
  return {
    host: `${hostname()}/${read('/proc/sys/kernel/random/boot_id') ?? ''}`,
    pidNamespace: link('/proc/self/ns/pid') ?? '',
    pid: process.pid,
    processStart: startOf(process.pid) ?? '',
  };
}

/** `false` only where it is certain: same host, same pid namespace, and no such process any more. */
export function mayBeAlive(other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (other.host !== self.host || other.pidNamespace !== self.pidNamespace) return true;
  if (self.processStart !== '') return startOf(other.pid) === other.processStart;
  try {
    process.kill(other.pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** `undefined` where there is no such process. A zombie has ended, whatever still shows its pid. */
function startOf(pid: number): string | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets and may itself hold spaces and brackets.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' ? undefined : fields[19];
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return undefined;
  }
}

function link(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}
