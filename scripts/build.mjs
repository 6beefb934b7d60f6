// Bundles every command with what it needs into dist/, then writes oclif.manifest.json, so that a start reads a few
// files instead of several hundred. Plain JavaScript, since it also runs right after a fresh install.
import { readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Plugin } from '@oclif/core';
import { build } from 'esbuild';
import { mergeChunks } from './merge-chunks.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));

// Left to node_modules: native code, and the drivers that knex names but that a book never uses.
const EXTERNAL = [
  'sqlite3',
  'pg',
  'pg-native',
  'pg-query-stream',
  'better-sqlite3',
  'mariadb',
  'mysql',
  'mysql2',
  'oracledb',
  'tedious',
  'typescript',
];

// CommonJS libraries inside an ES module bundle expect these three.
const COMMONJS_NAMES = `
import { createRequire as bundledCreateRequire } from 'node:module';
import { dirname as bundledDirname } from 'node:path';
import { fileURLToPath as bundledFileURLToPath } from 'node:url';
const require = bundledCreateRequire(import.meta.url);
const __filename = bundledFileURLToPath(import.meta.url);
const __dirname = bundledDirname(__filename);
`;

// What oclif loads at every start and then hardly uses: loaded at the first call instead, 10 of some 45 ms. wsl-utils only
// tells Windows' Linux from Linux, at the price of five modules.
const LOADED_LATE = {
  tinyglobby: "module.exports = { glob: (...values) => require('tinyglobby').glob(...values) };",
  ejs: "module.exports = { render: (...values) => require('ejs').render(...values) };",
  minimatch: "module.exports = { minimatch: (...values) => require('minimatch').minimatch(...values) };",
  'wrap-ansi': "module.exports = (...values) => require('wrap-ansi')(...values);",
  'clean-stack': "module.exports = (...values) => require('clean-stack')(...values);",
  'wsl-utils': 'export const isWsl = false;',
};

// What every start loads, what every command, every one with a book, and most of those that show something of it.
const JOINED = {
  start: 'src/main.ts',
  command: 'src/cli/base-command.ts',
  book: 'src/app.ts',
  charges: 'src/commands/charges/list.ts',
};

const EMITTED = {
  absWorkingDir: root,
  outdir: 'dist',
  format: 'esm',
  platform: 'node',
  target: 'node20.19',
  // Names stay readable in traces.
  minifyWhitespace: true,
  minifySyntax: true,
  legalComments: 'none',
  metafile: true,
  logLevel: 'warning',
};

const lightStart = {
  name: 'light-start',
  setup(context) {
    context.onResolve({ filter: new RegExp(`^(${Object.keys(LOADED_LATE).join('|')})$`) }, ({ path, namespace }) =>
      namespace === 'light-start' ? undefined : { path, namespace: 'light-start' },
    );
    // knex's table of dialects would bring every one of them along.
    context.onLoad({ filter: /knex[\\/]lib[\\/]dialects[\\/]index\.js$/ }, () => ({
      contents: "exports.getDialectByNameOrAlias = () => require('./sqlite3');",
      resolveDir: join(root, 'node_modules', 'knex', 'lib', 'dialects'),
    }));
    context.onLoad({ filter: /.*/, namespace: 'light-start' }, ({ path }) => ({
      contents: LOADED_LATE[path],
      resolveDir: root,
    }));
  },
};

const { metafile } = await mergeChunks(await bundle(await findCommands()), JOINED, EMITTED);
await removeStale(Object.keys(metafile.outputs));
await writeManifest();
if (process.argv.includes('--meta')) await writeFile(join(root, 'dist', 'meta.json'), JSON.stringify(metafile));

async function findCommands() {
  const names = await readdir(join(root, 'src', 'commands'), { recursive: true });
  return names.filter((name) => name.endsWith('.ts')).map((name) => name.slice(0, -'.ts'.length));
}

function bundle(commands) {
  return build({
    ...EMITTED,
    entryPoints: [
      { in: 'src/main.ts', out: 'main' },
      { in: 'src/cli/help.ts', out: 'help' },
      { in: 'src/cli/command-not-found.ts', out: 'command-not-found' },
      ...commands.map((name) => ({ in: `src/commands/${name}.ts`, out: `commands/${name}` })),
    ],
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    banner: { js: COMMONJS_NAMES },
    external: EXTERNAL,
    // oclif's check of its own engines loads semver at each start; package.json's engines say the same.
    define: { 'process.env.OCLIF_DISABLE_ENGINE_WARNING': '"1"' },
    plugins: [lightStart],
    write: false,
  });
}

// Old chunks go last, so that a command which runs meanwhile still finds what it was built with.
async function removeStale(outputs) {
  const kept = new Set(outputs.map((file) => join(root, file)));
  for (const entry of await readdir(join(root, 'dist'), { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    if (entry.isFile() && !kept.has(file)) await rm(file);
  }
}

// As `oclif manifest` does, without that package: load every command and keep what is static about it.
async function writeManifest() {
  const plugin = new Plugin({
    root,
    type: 'core',
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  });
  await plugin.load();
  const commands = Object.fromEntries(Object.entries(plugin.manifest.commands).sort(([a], [b]) => (a < b ? -1 : 1)));
  // At once, so that a command which starts meanwhile reads the old one or the new one.
  const draft = join(root, `oclif.manifest.json.${process.pid}`);
  await writeFile(draft, `${JSON.stringify({ ...plugin.manifest, commands }, null, 2)}\n`);
  await rename(draft, join(root, 'oclif.manifest.json'));
}
