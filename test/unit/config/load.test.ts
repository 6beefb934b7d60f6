// Where a configuration is found, what a broken one is told, and which book a command means: in temporary folders.
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Environment, type LoadedConfig, loadConfig, resolveBookUrl } from '../../../src/config/load.ts';
import { BursarError } from '../../../src/errors.ts';

let root = '';
let env: Record<string, string | undefined> = {};

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'bursar-config-'));
  env = { HOME: join(root, 'home'), XDG_CACHE_HOME: join(root, 'cache') };
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

function write(path: string, content: unknown): string {
  const target = join(root, path);
  mkdirSync(dirname(target), { recursive: true });
  writeFileSync(target, typeof content === 'string' ? content : JSON.stringify(content));
  return target;
}

async function refusalOf(act: () => unknown): Promise<BursarError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof BursarError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

const load = (options: { flag?: string; cwd?: string } = {}): Promise<LoadedConfig> =>
  loadConfig({ flag: options.flag, cwd: options.cwd ?? root, env });

describe('loadConfig finds the file', () => {
  it('named by --config, before the one of BURSAR_CONFIG, before the nearest, before the XDG one', async () => {
    const user = write('xdg/bursar/bursar.config.json', { actor: 'xdg' });
    const top = write('a/bursar.config.json', { actor: 'top' });
    const near = write('a/b/bursar.config.json', { actor: 'near' });
    const variable = write('other/variable.json', { actor: 'variable' });
    const flag = write('other/flag.json', { actor: 'flag' });
    mkdirSync(join(root, 'a/b/c/d'), { recursive: true });
    env.XDG_CONFIG_HOME = join(root, 'xdg');

    expect(await load()).toEqual({ path: user, config: { actor: 'xdg' } });
    expect((await load({ cwd: join(root, 'a') })).path).toBe(top);
    expect((await load({ cwd: join(root, 'a/b/c/d') })).path).toBe(near);
    env.BURSAR_CONFIG = '../other/variable.json';
    expect((await load({ cwd: join(root, 'a') })).path).toBe(variable);
    expect((await load({ flag, cwd: join(root, 'a') })).path).toBe(flag);
    env.BURSAR_CONFIG = '';
    expect((await load({ cwd: join(root, 'a') })).path).toBe(top);
  });

  it('in ~/.config where XDG_CONFIG_HOME is not set or relative', async () => {
    const path = write('home/.config/bursar/bursar.config.json', {});
    expect((await load()).path).toBe(path);
    env.XDG_CONFIG_HOME = 'relative';
    expect((await load()).path).toBe(path);
  });

  it('nowhere: an empty configuration', async () => {
    expect(await load()).toEqual({ path: null, config: {} });
  });

  it('or refuses a named one that is not there, or is a folder', async () => {
    expect(await refusalOf(() => load({ flag: 'none.json' }))).toMatchObject({
      code: 'invalid_config',
      message: `The configuration ${join(root, 'none.json')} does not exist. Nothing was done.`,
    });
    expect((await refusalOf(() => load({ flag: '.' }))).code).toBe('invalid_config');
  });
});

describe('loadConfig reads the file', () => {
  it.each([
    ['{', 1, 2],
    ['', 1, 1],
    ['{\n  "books": {},\n}', 3, 1],
    ['{\n  "actor": "x"\n  "timezone": "UTC"\n}', 3, 3],
    ['{"actor": \'x\'}', 1, 11],
    ['{} x', 1, 4],
    ['{\n // no\n}', 2, 2],
    ['{"actor": "a\nb"}', 1, 11],
    ['{"n": [1, 02]}', 1, 12],
  ])('%j: not JSON', async (text, line, column) => {
    const path = write('bursar.config.json', text);
    const { code, message } = await refusalOf(load);
    expect({ code, message }).toEqual({
      code: 'invalid_config',
      message: `${path}:${line}:${column}: not valid JSON. Nothing was done.`,
    });
  });

  it('nested beyond any sense: not JSON, rather than a stack that overflows', async () => {
    write('bursar.config.json', '['.repeat(100_000));
    expect((await refusalOf(load)).message).toContain('not valid JSON');
  });

  it('never quotes what stands at a syntax error', async () => {
    write('bursar.config.json', '{"apiKey": "sk_live_abcdef" "x"}');
    const error = await refusalOf(load);
    expect(`${error.message}${error.hint}${error.stack}${String(error.cause)}`).not.toContain('sk_live');
  });

  it('with a byte order mark too', async () => {
    write('bursar.config.json', '\ufeff{"actor":"x"}');
    expect((await load()).config).toEqual({ actor: 'x' });
  });

  it("and takes paths of books from the file's folder, URLs as they are", async () => {
    write('a/bursar.config.json', {
      books: {
        main: { url: 'data/book.db' },
        up: { url: '../up.db' },
        pg: { url: 'postgres://h/d' },
        env: { url: { env: 'B' } },
      },
    });
    mkdirSync(join(root, 'a/b'));
    const loaded = await load({ cwd: join(root, 'a/b') });
    expect(loaded.config.books).toEqual({
      main: { url: join(root, 'a/data/book.db') },
      up: { url: join(root, 'up.db') },
      pg: { url: 'postgres://h/d' },
      env: { url: { env: 'B' } },
    });
  });
});

describe('the marker of a validated configuration', () => {
  const markers = (): string[] => readdirSync(join(root, 'cache/bursar'));

  it('is left once per text, private, and empty', async () => {
    const path = write('bursar.config.json', { actor: 'one' });
    const first = await load();
    expect(await load()).toEqual(first);
    expect(markers()).toHaveLength(1);
    const [marker = ''] = markers();
    expect(marker).toMatch(/^config-ok-[0-9a-f]{64}$/);
    const { mode, size } = statSync(join(root, 'cache/bursar', marker));
    expect([mode & 0o777, size]).toEqual([0o600, 0]);
    expect(statSync(join(root, 'cache/bursar')).mode & 0o777).toBe(0o700);
    writeFileSync(path, JSON.stringify({ actor: 'two' }));
    expect((await load()).config).toEqual({ actor: 'two' });
    expect(markers()).toHaveLength(2);
  });

  it('is not left by a refused one, and none vouches for another text', async () => {
    const path = write('bursar.config.json', {});
    await load();
    writeFileSync(path, JSON.stringify({ actr: 'x' }));
    for (let round = 0; round < 2; round += 1) expect((await refusalOf(load)).code).toBe('invalid_config');
    expect(markers()).toHaveLength(1);
  });

  it('may be impossible to write', async () => {
    write('bursar.config.json', { actor: 'x' });
    write('blocked', 'a file where the cache should be');
    env.XDG_CACHE_HOME = join(root, 'blocked');
    expect((await load()).config).toEqual({ actor: 'x' });
    const readOnly = join(root, 'read-only');
    mkdirSync(readOnly);
    chmodSync(readOnly, 0o500);
    env.XDG_CACHE_HOME = readOnly;
    expect((await load()).config).toEqual({ actor: 'x' });
  });
});

describe('resolveBookUrl', () => {
  const loaded: LoadedConfig = {
    path: '/etc/bursar/bursar.config.json',
    config: { books: { main: { url: '/data/main.db' }, pg: { url: { env: 'PG' } } } },
  };
  const choose = (flag?: string, variables: Environment = {}, from = loaded): string =>
    resolveBookUrl(from, { flag, cwd: '/srv', env: variables });

  it('takes --book, else BURSAR_BOOK, else main', () => {
    expect(choose()).toBe('/data/main.db');
    expect(choose(undefined, { BURSAR_BOOK: './b.db' })).toBe('/srv/b.db');
    expect(choose('main', { BURSAR_BOOK: './b.db' })).toBe('/data/main.db');
    expect(choose(undefined, { BURSAR_BOOK: '' })).toBe('/data/main.db');
  });

  it.each([
    ['book.db', '/srv/book.db'],
    ['./book', '/srv/book'],
    ['/x/../book', '/book'],
    ['postgres://h/d', 'postgres://h/d'],
  ])('takes %s as a path or URL', (flag, url) => {
    expect(choose(flag)).toBe(url);
    expect(choose(flag, {}, { path: null, config: {} })).toBe(url);
  });

  it('takes a URL from the variable that the configuration names', async () => {
    expect(choose('pg', { PG: 'postgres://u:p@h/d' })).toBe('postgres://u:p@h/d');
    expect(choose('pg', { PG: 'rel.db' })).toBe('/etc/bursar/rel.db');
    expect((await refusalOf(() => choose('pg'))).message).toContain('environment variable PG');
  });

  it.each(['other', 'constructor', '__proto__'])('refuses the unknown name %s and lists the names', async (flag) => {
    const { code, message } = await refusalOf(() => choose(flag));
    expect(code).toBe('invalid_config');
    expect(message).toContain('Configured books: main, pg.');
  });

  it('says how to make the first book', async () => {
    expect(await refusalOf(() => choose(undefined, {}, { path: null, config: {} }))).toMatchObject({
      code: 'book_missing',
      hint: 'bursar init --book ./book.db --mode test',
    });
  });

  it('refuses main where others are configured', async () => {
    const others: LoadedConfig = { path: '/c.json', config: { books: { shop: { url: '/s.db' } } } };
    expect((await refusalOf(() => choose(undefined, {}, others))).message).toContain(
      'No book "main" is configured in /c.json',
    );
  });
});
