// Joins the chunks that are always loaded together. esbuild makes a chunk of whatever the same set of entry points reaches,
// which here is 45 files for a list; Node takes half a millisecond for each, more than for the code in it.
import { createHash } from 'node:crypto';
import { posix } from 'node:path';
import { build } from 'esbuild';

const ENTRY = 'entry:';

/**
 * Builds the outputs of `first` (a build with `splitting`, `metafile` and `write: false`) once more, with the chunks that
 * each of `groups` reaches in one file of their own. `groups` maps a name to a source file; what an earlier group has, a
 * later one imports from it. A group is all that its source reaches, so none can come to import itself.
 */
export function mergeChunks(first, groups, options) {
  const { outputs } = first.metafile;
  const texts = new Map(Object.keys(outputs).map((path, index) => [path, first.outputFiles[index].text]));
  const placeOf = new Map();
  const joined = new Map();
  for (const [name, source] of Object.entries(groups)) {
    const members = reachedFrom(source, outputs).filter((path) => !placeOf.has(path));
    const digest = createHash('sha256').update(members.join()).digest('hex').slice(0, 8).toUpperCase();
    const file = posix.join(options.outdir, `chunks/${name}-${digest}.js`);
    for (const [index, path] of members.entries()) placeOf.set(path, { file, index });
    joined.set(file, members);
  }
  const entries = [...joined.keys(), ...[...texts.keys()].filter((path) => !placeOf.has(path))];
  return build({
    ...options,
    entryPoints: entries.map((path) => ({
      // Marked, since esbuild looks whether there is such a file.
      in: `${ENTRY}${path}`,
      out: posix.relative(options.outdir, path).replace(/\.js$/, ''),
    })),
    bundle: true,
    plugins: [{ name: 'merge-chunks', setup: (context) => serveChunks(context, { outputs, texts, placeOf, joined }) }],
  });
}

function serveChunks(context, { outputs, texts, placeOf, joined }) {
  const alias = (path, name) => `of${placeOf.get(path).index}_${name}`;
  context.onResolve({ filter: /.*/ }, ({ path, importer, namespace, kind }) => {
    if (kind === 'entry-point') {
      const entry = path.slice(ENTRY.length);
      return { path: entry, namespace: joined.has(entry) ? 'joined' : 'chunk' };
    }
    const target = namespace === 'joined' ? path : posix.join(posix.dirname(importer), path);
    const place = placeOf.get(target);
    if (namespace === 'alias' || place === undefined) return { path, external: true };
    if (namespace === 'joined' || placeOf.get(importer)?.file === place.file)
      return { path: target, namespace: 'chunk' };
    const from = posix.relative(posix.dirname(importer), place.file);
    return {
      path: target,
      namespace: 'alias',
      suffix: `?${from}`,
      pluginData: from.startsWith('.') ? from : `./${from}`,
    };
  });
  context.onLoad({ filter: /.*/, namespace: 'chunk' }, ({ path }) => ({ contents: texts.get(path) }));
  // Each name once more under a name that no other chunk has.
  const lines = (path, from, line) =>
    outputs[path].exports.map((name) => `${line(name, alias(path, name))} from '${from}';`);
  context.onLoad({ filter: /.*/, namespace: 'joined' }, ({ path }) => ({
    contents: joined
      .get(path)
      .flatMap((member) => [
        `import '${member}';`,
        ...lines(member, member, (name, own) => `export { ${name} as ${own} }`),
      ])
      .join('\n'),
  }));
  context.onLoad({ filter: /.*/, namespace: 'alias' }, ({ path, pluginData: from }) => ({
    contents: [`import '${from}';`, ...lines(path, from, (name, own) => `export { ${own} as ${name} }`)].join('\n'),
  }));
}

/** The chunk with this source and all that it imports; entry points keep a file of their own. */
function reachedFrom(source, outputs) {
  const isRoot = (path) => Object.hasOwn(outputs[path].inputs, source);
  const found = new Set(Object.keys(outputs).filter(isRoot));
  // A set also goes on to what is added to it meanwhile.
  for (const path of found) {
    for (const { path: imported, kind } of outputs[path].imports) {
      if (kind === 'import-statement' && Object.hasOwn(outputs, imported)) found.add(imported);
    }
  }
  return [...found].filter((path) => outputs[path].entryPoint === undefined).sort();
}
