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
    // A /proc of another pid namespace (one entered without mounting its own) shows other processes under our numbers.
    processStart: link('/proc/self') === String(process.pid) ? (look(process.pid)?.start ?? '') : '',
  };
}

/** `false` only where it is certain: same host, same pid namespace, and no such process any more. */
export function mayBeAlive(other: ProcessIdentity, self: ProcessIdentity): boolean {
  if (other.host !== self.host || other.pidNamespace !== self.pidNamespace) return true;
  if (!isThere(other.pid)) return false;
  if (self.processStart === '' || other.processStart === '') return true;
  const found = look(other.pid);
  // Another user's process may be hidden from us (proc(5), hidepid).
  if (found === undefined) return true;
  return !found.hasEnded && found.start === other.processStart;
}

function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it is there and belongs to someone else.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/** `undefined` where it can't be seen. A zombie has ended, whatever still shows its pid. */
function look(pid: number): { hasEnded: boolean; start: string } | undefined {
  const stat = read(`/proc/${pid}/stat`);
  // The second field is the program's name in brackets and may itself hold spaces and brackets.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined
    ? undefined
    : { hasEnded: fields[0] === 'Z' || fields[0] === 'X', start: fields[19] ?? '' };
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
