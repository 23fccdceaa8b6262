-- A fleet's memory as schema version 2 wrote it; never changed. Made by sqlite3 .dump, and the two PRAGMA lines.
PRAGMA application_id = 1398034246;
PRAGMA user_version = 2;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES('id','0123456789abcdef0123456789abcdef');
CREATE TABLE device (
	name TEXT PRIMARY KEY,
	uid TEXT, product_uuid TEXT,
	version TEXT, counter INTEGER NOT NULL DEFAULT 0 CHECK (counter >= 0),
	highest_counter INTEGER NOT NULL DEFAULT 0 CHECK (highest_counter >= 0),
	image BLOB CHECK (length(image) = 32),
	package BLOB CHECK (length(package) = 32),
	healthy BLOB CHECK (length(healthy) = 32),
	seen INTEGER NOT NULL DEFAULT 0, tried INTEGER NOT NULL DEFAULT 0,
	last INTEGER NOT NULL DEFAULT 0, text TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO device VALUES('lamp-1','0102030405060708090a0b0c','f81d4fae-7dec-11d0-a765-00a0c91e6bf6','2.0.1',5,6,X'3333333333333333333333333333333333333333333333333333333333333333',X'2222222222222222222222222222222222222222222222222222222222222222',X'2222222222222222222222222222222222222222222222222222222222222222',1795286010,1795286200,8,'stmota was stopped, or the power went, before it ended');
INSERT INTO device VALUES('lamp-2',NULL,NULL,NULL,0,0,NULL,NULL,NULL,0,1795286100,7,'no answer');
CREATE TABLE attempt (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	device TEXT NOT NULL REFERENCES device (name),
	rollout TEXT NOT NULL, source TEXT NOT NULL,
	package BLOB NOT NULL CHECK (length(package) = 32),
	delta INTEGER NOT NULL, canary INTEGER NOT NULL,
	version TEXT NOT NULL, from_version TEXT,
	counter INTEGER NOT NULL CHECK (counter >= 0),
	started INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0,
	outcome INTEGER NOT NULL DEFAULT 0, error INTEGER NOT NULL DEFAULT 0,
	text TEXT, evidence TEXT, transcript TEXT,
	confirmed INTEGER NOT NULL DEFAULT 0,
	CHECK ((ended = 0) = (outcome = 0))
) STRICT;
INSERT INTO attempt VALUES(1,'lamp-1','r2','channel',X'2222222222222222222222222222222222222222222222222222222222222222',0,1,'2.0.1','1.0.0',5,1795286000,1795286010,1,0,'healthy after 4 s','{"read_back":"00ff"}','lamp-1.txt',1);
INSERT INTO attempt VALUES(2,'lamp-2','r2','channel',X'2222222222222222222222222222222222222222222222222222222222222222',1,0,'2.0.1',NULL,5,1795286100,1795286130,7,-10,'no answer',NULL,NULL,0);
INSERT INTO attempt VALUES(3,'lamp-1','r2','channel',X'2222222222222222222222222222222222222222222222222222222222222222',1,0,'2.0.1',NULL,5,1795286200,1795286300,8,-22,'stmota was stopped, or the power went, before it ended',NULL,NULL,0);
CREATE TABLE halt (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	rollout TEXT NOT NULL, why TEXT NOT NULL,
	halted INTEGER NOT NULL, resumed INTEGER NOT NULL DEFAULT 0,
	resumed_attempt INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO halt VALUES(1,'r2','lamp-2 is silent',1795286131,0,0);
CREATE TABLE channel (
	name TEXT PRIMARY KEY, root BLOB NOT NULL, root_version INTEGER NOT NULL,
	head_issued INTEGER NOT NULL, plan_version INTEGER NOT NULL,
	plan_sha256 BLOB NOT NULL CHECK (length(plan_sha256) = 32),
	halt_version INTEGER NOT NULL, time_floor INTEGER NOT NULL
, plan BLOB, plan_sig BLOB) STRICT, WITHOUT ROWID;
INSERT INTO channel VALUES('main',X'726f6f74',1,1795280000,2,X'0000000000000000000000000000000000000000000000000000000000000000',0,1795286000,X'706c616e',X'736967');
CREATE TABLE note (owner TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL,
	PRIMARY KEY (owner, key)) STRICT, WITHOUT ROWID;
INSERT INTO note VALUES('hawkbit:lamp-1','action',X'3137');
CREATE TABLE outbox (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	dest TEXT NOT NULL, body TEXT NOT NULL, created INTEGER NOT NULL
) STRICT;
INSERT INTO outbox VALUES(5,'report','{"schema":1}',1795286300);
DELETE FROM sqlite_sequence;
INSERT INTO sqlite_sequence VALUES('attempt',3);
INSERT INTO sqlite_sequence VALUES('outbox',5);
INSERT INTO sqlite_sequence VALUES('halt',1);
CREATE INDEX attempt_device ON attempt (device, package, id);
CREATE INDEX attempt_rollout ON attempt (rollout, device, id);
CREATE INDEX attempt_started ON attempt (started);
CREATE INDEX attempt_open ON attempt (id) WHERE ended = 0;
CREATE UNIQUE INDEX halt_now ON halt (rollout) WHERE resumed = 0;
CREATE INDEX halt_rollout ON halt (rollout, id);
CREATE INDEX outbox_dest ON outbox (dest, id);
COMMIT;
