// The triggers that make a table append-only: what stands in it is never changed or removed, by us or by hand.
export function appendOnly(table: string): string[] {
  return ['UPDATE', 'DELETE'].map(
    (verb) =>
      `CREATE TRIGGER ${table}_refuses_${verb.toLowerCase()} BEFORE ${verb} ON ${table}
       BEGIN SELECT RAISE(ABORT, 'append-only: ${table} can not be changed'); END`,
  );
}
