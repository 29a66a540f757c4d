// Owns the directory given as its argument until it is killed: the lock that Ramax takes, made by other hands.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Database from 'better-sqlite3';

const directory = process.argv[2];
const lock = new Database(join(directory, 'owner.lock'), { timeout: 0 });
lock.exec('BEGIN EXCLUSIVE');
const owner = { pid: process.pid, host: 'elsewhere', startedAt: 1_750_000_000_000 };
writeFileSync(join(directory, 'owner.json'), JSON.stringify(owner));
process.stdin.resume();
console.log('owning');
