// Begins to write to the file that it is given, says so, and ends without having written when its input ends.
import sqlite3 from 'sqlite3';

const db = new sqlite3.Database(process.argv[2], sqlite3.OPEN_READWRITE);
db.configure('busyTimeout', 20_000);
db.exec('BEGIN IMMEDIATE', (error) => {
  if (error !== null) throw error;
  console.log('held');
  process.stdin.resume().once('end', () => db.exec('ROLLBACK', () => db.close()));
});
