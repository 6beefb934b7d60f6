// A small disk of its own for a test: a tmpfs, mounted by root (or by sudo where that asks nothing).
import { spawnSync } from 'node:child_process';
import { mkdir, open, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface SmallDisk {
  path: string;
  freeBytes(): Promise<number>;
  /** Another file grows until only so much is left. */
  fill(leftBytes: number): Promise<void>;
  /** That file is emptied. */
  free(): Promise<void>;
  unmount(): void;
}

export async function mountSmallDisk(path: string, sizeBytes: number): Promise<SmallDisk> {
  await mkdir(path, { recursive: true });
  asRoot('mount', '-t', 'tmpfs', '-o', `size=${sizeBytes},mode=755`, 'tmpfs', path);
  const filler = join(path, 'filler');
  const freeBytes = async (): Promise<number> => {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  };
  return {
    path,
    freeBytes,
    fill: async (leftBytes) => {
      const file = await open(filler, 'a');
      try {
        for (let left = await freeBytes(); left > leftBytes; left = await freeBytes()) {
          await file.write(Buffer.alloc(Math.min(left - leftBytes, 65_536)));
        }
      } catch (error) {
        // Somebody else took the last of it.
        if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
      } finally {
        await file.close();
      }
    },
    free: () => writeFile(filler, ''),
    unmount: () => asRoot('umount', '-l', path),
  };
}

function asRoot(...command: string[]): void {
  const words = process.getuid?.() === 0 ? command : ['sudo', '-n', ...command];
  const { status, stderr } = spawnSync(words[0] ?? '', words.slice(1), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
}
