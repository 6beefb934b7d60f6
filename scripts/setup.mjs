// What the other scripts need first, from a fresh clone on: dependencies installed and dist/ built, each only when
// something changed. Plain Node with nothing installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

const LOCK = join(root, 'package-lock.json');
const INSTALLED_STAMP = join(root, 'node_modules', '.bursar-installed');
const BUILT_STAMP = join(root, 'node_modules', '.bursar-built');

/** Runs a program with our own stdin and stdout; ends the process when it fails. */
export function runOrExit(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit', ...options });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** `npm ci` when package-lock.json has changed since the last one. */
export function ensureInstalled() {
  const hash = sha256(readFileSync(LOCK));
  if (readIfThere(INSTALLED_STAMP) === hash) return;
  if (!isInstalled()) {
    console.error('Installing dependencies. Where sqlite3 has no prebuilt binary it is compiled: about 75 seconds.');
    runOrExit('npm', ['ci', '--no-audit', '--no-fund'], { shell: process.platform === 'win32' });
  }
  writeFileSync(INSTALLED_STAMP, hash);
}

/** The build when any source has changed since the last one. */
export function ensureBuilt() {
  const hash = sourcesHash();
  const isFresh = readIfThere(BUILT_STAMP) === hash && existsSync(join(root, 'oclif.manifest.json'));
  if (isFresh && existsSync(join(root, 'dist', 'main.js'))) return;
  runOrExit(process.execPath, [join(root, 'scripts', 'build.mjs')]);
  writeFileSync(BUILT_STAMP, hash);
}

// npm keeps what it installed in a lockfile of its own: somebody may have run `npm install` already.
function isInstalled() {
  const installed = readIfThere(join(root, 'node_modules', '.package-lock.json'));
  if (installed === null) return false;
  const { packages: present } = JSON.parse(installed);
  const { packages: wanted } = JSON.parse(readFileSync(LOCK, 'utf8'));
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional || present[path]?.version === version,
  );
}

function sourcesHash() {
  const folders = ['src', 'migrations', 'scripts'].map((name) => join(root, name));
  const files = folders.flatMap((folder) =>
    existsSync(folder)
      ? readdirSync(folder, { recursive: true, withFileTypes: true })
          .filter((entry) => entry.isFile())
          .map((entry) => join(entry.parentPath, entry.name))
      : [],
  );
  const hash = createHash('sha256');
  for (const file of [...files, join(root, 'package.json'), LOCK].sort()) {
    hash.update(`${file}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function readIfThere(file) {
  return existsSync(file) ? readFileSync(file, 'utf8') : null;
}

function sha256(bytes) {
  return createHash('sha256').update(bytes).digest('hex');
}
