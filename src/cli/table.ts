// Tables and field lists for a person: cli-table3 without its borders, fitted to the screen's width.
import Table from 'cli-table3';
import stringWidth from 'string-width';
import { type Cell, type Column, headerOf, tableCell } from './columns.ts';
import { oneLine } from './text.ts';

const NO_BORDERS = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right']
    .concat(['left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid'])
    .map((part) => [part, '']),
);
const GAP = 2;
const NARROWEST = 8;

export interface TableStyle {
  width: number | null;
  hasColor: boolean;
}

/** The lines of a table with one heading, without trailing blanks, each ended by a line break. */
export function formatTable<T>(rows: readonly T[], columns: readonly Column<T>[], style: TableStyle): string {
  return tableInParts(columns, style)(rows);
}

/**
 * Formats a table that comes in parts, with the heading above the first: the columns of a later part are as wide as those
 * before it, or wider where something in it is.
 */
export function tableInParts<T>(columns: readonly Column<T>[], style: TableStyle): (rows: readonly T[]) => string {
  const shown = columns.filter((column) => column.inTable !== false);
  const headers = shown.map(headerOf);
  let widths: number[] = [];
  let isFirst = true;
  return (rows) => {
    const cells = rows.map((row) => shown.map((column) => oneLine(tableCell(column, row))));
    const natural = naturalWidths([headers, ...cells]).map((width, index) => Math.max(width, widths[index] ?? 1));
    widths = fitWidths(natural, shown, style.width);
    const table = new Table({
      chars: { ...NO_BORDERS, middle: ' '.repeat(GAP) },
      style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
      colWidths: widths,
      colAligns: shown.map((column) => column.align ?? 'left'),
    });
    if (isFirst) table.push(headers.map((text, index) => shorten(text, widths[index] ?? 0, 'end')));
    for (const row of cells) {
      table.push(row.map((text, index) => shorten(text, widths[index] ?? 0, shown[index]?.shorten ?? 'end')));
    }
    const lines = table
      .toString()
      .split('\n')
      .map((line) => line.trimEnd());
    if (isFirst && style.hasColor) lines[0] = bold(lines[0] ?? '');
    isFirst = false;
    return `${lines.join('\n')}\n`;
  };
}

/** Names and values, one a line: how a single thing is shown. */
export function formatFields(fields: readonly (readonly [name: string, value: Cell])[], style: TableStyle): string {
  const width = Math.max(0, ...fields.map(([name]) => stringWidth(name)));
  const lines = fields.map(([name, value]) => {
    const label = `${name}${' '.repeat(width - stringWidth(name))}`;
    const text = tableCell({ key: 'value' }, { value });
    return `${style.hasColor ? bold(label) : label}  ${oneLine(text)}`.trimEnd();
  });
  return lines.map((line) => `${line}\n`).join('');
}

function naturalWidths(rows: readonly string[][]): number[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [index, text] of row.entries()) widths[index] = Math.max(widths[index] ?? 1, stringWidth(text));
  }
  return widths;
}

// Takes from the widest column that may give way, one character at a time, until the row fits.
function fitWidths<T>(natural: number[], columns: readonly Column<T>[], width: number | null): number[] {
  if (width === null) return natural;
  const widths = [...natural];
  const total = (): number => widths.reduce((sum, next) => sum + next, GAP * (widths.length - 1));
  while (total() > width) {
    let widest = -1;
    for (const [index, own] of widths.entries()) {
      const mayShrink = columns[index]?.shorten !== 'never' && own > NARROWEST;
      if (mayShrink && own > (widths[widest] ?? 0)) widest = index;
    }
    if (widest === -1) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
  return widths;
}

function shorten(text: string, width: number, end: 'start' | 'end' | 'never'): string {
  if (stringWidth(text) <= width) return text;
  const letters = [...text];
  while (letters.length > 0 && stringWidth(letters.join('')) > width - 1)
    end === 'start' ? letters.shift() : letters.pop();
  return end === 'start' ? `…${letters.join('')}` : `${letters.join('')}…`;
}

// Not util.styleText, which looks at the process's own stdout whatever it is told.
function bold(text: string): string {
  return `\u001b[1m${text}\u001b[22m`;
}
