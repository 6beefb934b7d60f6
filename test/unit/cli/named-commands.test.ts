// Every command that a message, a hint or a description names is one that there is.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const source = join(root, 'src');
const commands = join(source, 'commands');
const { oclif } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
  oclif: { topics: Record<string, unknown> };
};
/** Topics may be announced before they have a command. */
const topics = [...Object.keys(oclif.topics), ...readdirSync(commands).map((name) => name.replace(/\.ts$/, ''))];

/** The text of every string and template in a file, comments left out; what is put into a template is a blank. */
function strings(file: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) found.push(node.text);
    if (ts.isTemplateExpression(node))
      found.push([node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join('\0'));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest));
  return found;
}

/**
 * The commands that a text names: after `bursar`, a topic or command anywhere, and any word at the start of the text or
 * behind a colon, a quote or a bracket, where no sentence goes on.
 */
function named(text: string): string[] {
  return [...text.matchAll(/([:`(] ?)?\bbursar ([a-z]+)(?: ([a-z]+))?/g)].flatMap(
    ({ index, 1: opening, 2: topic = '', 3: verb = '' }) =>
      index === 0 || opening !== undefined || topics.includes(topic) ? [`${topic} ${verb}`.trim()] : [],
  );
}

function exists(command: string): boolean {
  const [topic = '', verb] = command.split(' ');
  if (existsSync(join(commands, `${topic}.ts`))) return true;
  return verb === undefined ? existsSync(join(commands, topic)) : existsSync(join(commands, topic, `${verb}.ts`));
}

const mentions = readdirSync(source, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts'))
  .flatMap((file) => strings(join(source, file)).flatMap((text) => named(text).map((command) => ({ file, command }))));

test('no text names a command that is not there', () => {
  expect(mentions.filter(({ command }) => !exists(command))).toEqual([]);
});

test('mentions are found, and told from prose', () => {
  expect(mentions.length).toBeGreaterThan(50);
  expect(named('Check it with: bursar gateways test \0, or bursar bank burn')).toEqual(['gateways test', 'bank burn']);
  expect(named('bursar restore')).toEqual(['restore']);
  expect(named('Use the version of bursar that made it.')).toEqual([]);
  expect(exists('db undo')).toBe(false);
  expect(exists('demo anywhere')).toBe(true);
});
