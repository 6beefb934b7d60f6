// What must be known of the command line before a command parses it: whether errors are JSON, whether a trace is
// wanted, and the forms people type that oclif's core does not take (`help TOPIC`, global flags before the command).
const GLOBAL_WITH_VALUE = new Set(['--book', '--config']);
const GLOBAL_SWITCHES = new Set(['--json', '--yes', '--no-input', '--debug', '--utc']);

/** True when `flag` stands before any `--`. */
export function hasFlag(argv: readonly string[], flag: string): boolean {
  const end = argv.indexOf('--');
  const at = argv.indexOf(flag);
  return at !== -1 && (end === -1 || at < end);
}

/** `help charges` becomes `charges --help`; global flags at the front move behind the words of the command. */
export function normalizeArguments(argv: readonly string[]): string[] {
  const { flags, rest } = takeLeadingFlags(argv);
  const words = rest[0] === 'help' ? [...rest.slice(1), '--help'] : rest;
  if (flags.length === 0) return words;
  if (words.length === 0) return ['--help'];
  const end = words.indexOf('--');
  return end === -1 ? [...words, ...flags] : [...words.slice(0, end), ...flags, ...words.slice(end)];
}

function takeLeadingFlags(argv: readonly string[]): { flags: string[]; rest: string[] } {
  const flags: string[] = [];
  let index = 0;
  while (index < argv.length) {
    const word = argv[index] ?? '';
    const name = word.split('=', 1)[0] ?? word;
    if (GLOBAL_SWITCHES.has(word) || (GLOBAL_WITH_VALUE.has(name) && word.includes('='))) {
      flags.push(word);
      index += 1;
    } else if (GLOBAL_WITH_VALUE.has(word) && index + 1 < argv.length) {
      flags.push(...argv.slice(index, index + 2));
      index += 2;
    } else break;
  }
  return { flags, rest: argv.slice(index) };
}
