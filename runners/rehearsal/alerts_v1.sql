-- An alert database of schema 1, as the store wrote it; rows after the tables, guards last.
PRAGMA application_id = 1634497140;
PRAGMA user_version = 1;
BEGIN TRANSACTION;
CREATE TABLE alert_ids (
  id TEXT PRIMARY KEY,
  seq INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO "alert_ids" VALUES('c19d4b3ad520eec3a3e51ee8959239dd0f15e8f48e6ed20b80e8fc87db3f827a',3);
INSERT INTO "alert_ids" VALUES('d3afd55730b974e815f545aa9c4881c3331565d16110e52d4f915e81e976f820',1);
INSERT INTO "alert_ids" VALUES('d9a76e28b3e5a93c6ab0b8b43fc6fcd066b054aaaba21358e618796d0c5016ef',2);
CREATE TABLE alerts (
  seq INTEGER PRIMARY KEY,
  audit_seq INTEGER NOT NULL
);
INSERT INTO "alerts" VALUES(1,2);
INSERT INTO "alerts" VALUES(2,3);
INSERT INTO "alerts" VALUES(3,4);
CREATE TABLE audit (
  seq INTEGER PRIMARY KEY,
  ts TEXT NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  data TEXT NOT NULL,
  prev TEXT NOT NULL,
  hash TEXT NOT NULL
);
INSERT INTO "audit" VALUES(1,'2023-11-14T22:13:20.000000Z','start','live','{"pid":1,"version":"0.1.0"}','0000000000000000000000000000000000000000000000000000000000000000','e72e8edc5e7f27fd1a3e010dc0e7e58770688eaa4d96b6a755672b0c4bdb7db6');
INSERT INTO "audit" VALUES(2,'2023-11-14T22:14:20.000000Z','alert','live','{"bar_time":"2026-07-28T10:05:00-03:00","confidence":0.71,"detected_at":"2026-07-28T13:10:00.123456Z","direction":1,"entry_max":126600.0,"entry_min":126400.0,"id":"d3afd55730b974e815f545aa9c4881c3331565d16110e52d4f915e81e976f820","pattern":"volatilidade_extrema","price":126505.0,"risk_reward":1.5,"seq":1,"severity":"CRITICO","stop":126300.0,"symbol":"WIN$N","target":126800.0,"text":"Volatilidade extrema de alta em WIN$N M5: preço 126.505","timeframe":"M5"}','e72e8edc5e7f27fd1a3e010dc0e7e58770688eaa4d96b6a755672b0c4bdb7db6','1589b31d99152a001578a6135950ea3ab1297ad55acddff7b68dd4eb44dc131d');
INSERT INTO "audit" VALUES(3,'2023-11-14T22:14:20.000000Z','alert','live','{"bar_time":"2026-07-28T10:05:00-03:00","confidence":0.71,"detected_at":"2026-07-28T13:10:00.123456Z","direction":1,"entry_max":126600.0,"entry_min":126400.0,"id":"d9a76e28b3e5a93c6ab0b8b43fc6fcd066b054aaaba21358e618796d0c5016ef","pattern":"volatilidade_extrema","price":126505.0,"risk_reward":1.5,"seq":2,"severity":"CRITICO","stop":126300.0,"symbol":"WIN$N","target":126800.0,"text":"Volatilidade extrema de alta em WIN$N M5: preço 126.505","timeframe":"M5"}','1589b31d99152a001578a6135950ea3ab1297ad55acddff7b68dd4eb44dc131d','254553f9468747bcd429c93c7ebf4159a5e4fc0441dfbafde58362048800adc2');
INSERT INTO "audit" VALUES(4,'2023-11-14T22:14:20.000000Z','alert','live','{"bar_time":"2026-07-28T10:05:00-03:00","confidence":0.71,"detected_at":"2026-07-28T13:10:00.123456Z","direction":1,"entry_max":126600.0,"entry_min":126400.0,"id":"c19d4b3ad520eec3a3e51ee8959239dd0f15e8f48e6ed20b80e8fc87db3f827a","pattern":"volatilidade_extrema","price":126505.0,"risk_reward":1.5,"seq":3,"severity":"CRITICO","stop":126300.0,"symbol":"WIN$N","target":126800.0,"text":"Volatilidade extrema de alta em WIN$N M5: preço 126.505","timeframe":"M5"}','254553f9468747bcd429c93c7ebf4159a5e4fc0441dfbafde58362048800adc2','77ef3801d1cc08aa209013bdcd0c1aaec06e796fee9a8e7dad4a0698cab84723');
INSERT INTO "audit" VALUES(5,'2023-11-14T22:15:20.000000Z','stop','live','{"reason":"SIGTERM"}','77ef3801d1cc08aa209013bdcd0c1aaec06e796fee9a8e7dad4a0698cab84723','f81714fdb1f9ddfdf0028d3d6e43b1e32b7739c7aa8647a9af9fa94e37837656');
CREATE TABLE cursors (
  symbol TEXT NOT NULL,
  timeframe TEXT NOT NULL,
  bar_time TEXT NOT NULL,
  snapshot BLOB NOT NULL,
  PRIMARY KEY (symbol, timeframe)
) WITHOUT ROWID;
INSERT INTO "cursors" VALUES('WIN$N','M5','bar 3',X'736E617073686F742033');
CREATE TABLE meta (
  key INTEGER PRIMARY KEY CHECK (key = 1),
  epoch TEXT NOT NULL,
  created TEXT NOT NULL,
  alert_seq INTEGER NOT NULL,
  audit_seq INTEGER NOT NULL,
  audit_hash TEXT NOT NULL,
  pruned_seq INTEGER NOT NULL,
  legal_hold INTEGER NOT NULL
);
INSERT INTO "meta" VALUES(1,'199ab317fb0fdb37','2023-11-14T22:13:20.000000Z',3,5,'f81714fdb1f9ddfdf0028d3d6e43b1e32b7739c7aa8647a9af9fa94e37837656',0,0);
CREATE TABLE outbox (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL,
  recipient TEXT NOT NULL,
  message_id TEXT NOT NULL,
  due REAL NOT NULL,
  expires REAL NOT NULL,
  attempts INTEGER NOT NULL DEFAULT 0,
  digest TEXT,
  UNIQUE (seq, recipient)
);
INSERT INTO "outbox" VALUES(1,1,'mesa@corretora.example','<1.0@alertas.example>',0.0,10000000000.0,0,NULL);
INSERT INTO "outbox" VALUES(2,1,'risco@corretora.example','<1.1@alertas.example>',0.0,10000000000.0,0,NULL);
INSERT INTO "outbox" VALUES(3,2,'mesa@corretora.example','<2.0@alertas.example>',0.0,10000000000.0,0,NULL);
INSERT INTO "outbox" VALUES(4,2,'risco@corretora.example','<2.1@alertas.example>',0.0,10000000000.0,0,NULL);
INSERT INTO "outbox" VALUES(5,3,'mesa@corretora.example','<3.0@alertas.example>',0.0,10000000000.0,0,NULL);
INSERT INTO "outbox" VALUES(6,3,'risco@corretora.example','<3.1@alertas.example>',0.0,10000000000.0,0,NULL);
CREATE TABLE state (
  key TEXT PRIMARY KEY,
  value BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX outbox_due ON outbox (due, id);
CREATE TRIGGER audit_insert BEFORE INSERT ON audit
WHEN NEW.seq IS NOT coalesce((SELECT max(seq) FROM audit), 0) + 1
  OR NEW.prev IS NOT coalesce((SELECT hash FROM audit ORDER BY seq DESC LIMIT 1),
    '0000000000000000000000000000000000000000000000000000000000000000')
BEGIN SELECT raise(ABORT, 'audit is append-only: the event does not continue the chain'); END;
CREATE TRIGGER audit_update BEFORE UPDATE ON audit
BEGIN SELECT raise(ABORT, 'audit is append-only: no event can be changed'); END;
CREATE TRIGGER audit_delete BEFORE DELETE ON audit
WHEN OLD.seq > (SELECT pruned_seq FROM meta) OR (SELECT legal_hold FROM meta)
  OR OLD.ts > strftime('%Y-%m-%dT%H:%M:%S', 'now', '-5 years')
BEGIN SELECT raise(ABORT, 'audit is append-only: no event can be removed'); END;
CREATE TRIGGER alerts_insert BEFORE INSERT ON alerts
WHEN NEW.seq IS NOT (SELECT alert_seq FROM meta) + 1
  AND NEW.seq IS NOT (SELECT max(seq) FROM alerts) + 1
BEGIN SELECT raise(ABORT, 'alerts are numbered without gaps'); END;
CREATE TRIGGER alerts_update BEFORE UPDATE ON alerts
BEGIN SELECT raise(ABORT, 'alerts are append-only'); END;
CREATE TRIGGER alerts_delete BEFORE DELETE ON alerts
WHEN OLD.audit_seq > (SELECT pruned_seq FROM meta)
BEGIN SELECT raise(ABORT, 'alerts are append-only'); END;
CREATE TRIGGER alert_ids_insert BEFORE INSERT ON alert_ids
WHEN EXISTS (SELECT 1 FROM alert_ids WHERE id = NEW.id)
BEGIN SELECT raise(ABORT, 'an alert id is never given a second number'); END;
CREATE TRIGGER alert_ids_update BEFORE UPDATE ON alert_ids
BEGIN SELECT raise(ABORT, 'alert ids are append-only'); END;
CREATE TRIGGER alert_ids_delete BEFORE DELETE ON alert_ids
BEGIN SELECT raise(ABORT, 'alert ids are append-only'); END;
CREATE TRIGGER meta_insert BEFORE INSERT ON meta
WHEN EXISTS (SELECT 1 FROM meta)
BEGIN SELECT raise(ABORT, 'meta has one row'); END;
CREATE TRIGGER meta_delete BEFORE DELETE ON meta
BEGIN SELECT raise(ABORT, 'meta has one row'); END;
CREATE TRIGGER meta_update BEFORE UPDATE ON meta
WHEN NEW.epoch IS NOT OLD.epoch OR NEW.created IS NOT OLD.created
  OR NEW.alert_seq < OLD.alert_seq OR NEW.audit_seq < OLD.audit_seq
BEGIN SELECT raise(ABORT, 'an epoch is for ever and numbers only grow'); END;
CREATE TRIGGER meta_prune BEFORE UPDATE OF pruned_seq ON meta
WHEN NEW.pruned_seq IS NOT OLD.pruned_seq AND (NEW.pruned_seq < OLD.pruned_seq OR NEW.pruned_seq
  IS NOT (SELECT json_extract(data, '$.through') FROM audit
    WHERE seq = (SELECT max(seq) FROM audit) AND kind = 'prune'))
BEGIN SELECT raise(ABORT, 'pruning needs its tombstone first'); END;
COMMIT;
