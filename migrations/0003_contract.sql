-- What the whole HTTP contract needs: labels that can be asked for, requests that may be repeated, edits of running
-- jobs, uploaded weights, evaluations in full, curves in few points, and what of them is new.

-- A copy of the labels in job_text.meta, for lists.
CREATE TABLE label (
    job   INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
    name  TEXT    NOT NULL,
    value TEXT    NOT NULL,
    PRIMARY KEY (job, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX label_by_value ON label (name, value, job);
INSERT INTO label (job, name, value)
    SELECT job_text.job, pair.key, pair.value FROM job_text, json_each(job_text.meta, '$.labels') AS pair;

-- A copy of the name in job_text.meta, for lists.
ALTER TABLE job ADD COLUMN name TEXT NOT NULL DEFAULT '' COLLATE NOCASE;
UPDATE job SET name = coalesce((SELECT json_extract(meta, '$.name') FROM job_text WHERE job = number), '');

-- What lists are sorted by. The job's number, which all of them end with, is not named: SQLite seeks (key, number) in one
-- go only where the number is the row's own.
CREATE INDEX job_by_name ON job (name);
CREATE INDEX job_by_priority ON job (priority);
CREATE INDEX job_by_start ON job (started_at);
CREATE INDEX job_by_end ON job (finished_at);
CREATE INDEX summary_by_min ON summary (series, min, job);
CREATE INDEX summary_by_max ON summary (series, max, job);

-- A deleted job is gone for every reader at once: its state is 'deleted', which is none. What is left of it is deleted
-- piece by piece, its row last. This stays, because streams replay it: `event` is a number of the events' own sequence.
CREATE TABLE deletion (
    event INTEGER PRIMARY KEY,
    job   INTEGER NOT NULL,
    id    TEXT    NOT NULL,
    step  INTEGER NOT NULL,
    at    INTEGER NOT NULL,
    swept INTEGER NOT NULL DEFAULT 0               -- nothing is left
) STRICT;
CREATE INDEX deletion_by_job ON deletion (job, event);
CREATE INDEX deletion_waiting ON deletion (event) WHERE swept = 0;

-- A request that created a job, by the key its client chose: the same one again makes no second job.
CREATE TABLE idempotency (
    key        TEXT    PRIMARY KEY,
    sha256     TEXT    NOT NULL,                   -- of what was asked
    job        INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_by_job ON idempotency (job);

-- What a user changed of a job's course. It holds for the steps behind `step`, in every life of the job.
CREATE TABLE edit (
    number     INTEGER PRIMARY KEY AUTOINCREMENT,  -- order of asking and of taking
    job        INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
    step       INTEGER,                            -- NULL: asked for, not yet taken
    returns    INTEGER NOT NULL DEFAULT 0,         -- how often the job had gone back after diverging by then
    changes    TEXT    NOT NULL,                   -- JSON: {"lr": {"from": 0.1, "to": 0.05}}
    was_spec   TEXT,                               -- while it waits: the job's without it, if it ends before
    was_plan   TEXT,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX edit_by_job ON edit (job, number);
CREATE INDEX edit_waiting ON edit (job) WHERE step IS NULL;

-- The spec that the job began with, where edits have made another of it since: the same edits make it again. NULL: there
-- were none.
ALTER TABLE job_text ADD COLUMN first_spec TEXT;

-- When a job that is to stop stops: NULL at once, 'epoch' or 'checkpoint' at the next end of one.
ALTER TABLE job ADD COLUMN stop_when TEXT;

-- Uploaded weights: a registry of names. Each file has a name of its own in the data directory's folder `weights`, so
-- that a file which no row names is one of an upload or a deletion that was cut off.
CREATE TABLE weights (
    name       TEXT    PRIMARY KEY,
    file       TEXT    NOT NULL UNIQUE,
    sha256     TEXT    NOT NULL,
    bytes      INTEGER NOT NULL,
    tensors    INTEGER NOT NULL,
    parameters INTEGER NOT NULL,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- What a job must know of its data set so that its network can be used when the set is gone: shape, names of the
-- classes, what pixels are normalized with. Written with the job's first checkpoint.
CREATE TABLE job_data (
    job  INTEGER PRIMARY KEY REFERENCES job (number) ON DELETE CASCADE,
    data TEXT NOT NULL
) STRICT;

-- What a checkpoint makes of a split, sample by sample, kept because it takes long to find out.
CREATE TABLE evaluation (
    checkpoint INTEGER NOT NULL REFERENCES checkpoint (number) ON DELETE CASCADE,
    split      TEXT    NOT NULL,
    data       TEXT    NOT NULL,                   -- JSON: counts, classes, confusion matrix
    worst      TEXT    NOT NULL,                   -- JSON: the samples that it does worst on
    created_at INTEGER NOT NULL,
    PRIMARY KEY (checkpoint, split)
) STRICT, WITHOUT ROWID;

-- What is left of the rows of a series over 16, 256 and 4096 steps, kept while metrics are written: few points of many
-- rows are found without reading the rows. A stretch holds the steps with step >> shift = place. NULL: none is so.
CREATE TABLE stretch (
    job      INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
    series   INTEGER NOT NULL,
    shift    INTEGER NOT NULL,                     -- 4, 8 or 12
    place    INTEGER NOT NULL,
    min_step INTEGER,                              -- of the finite rows, the earliest of equals
    min      REAL,
    max_step INTEGER,
    max      REAL,
    odd_step INTEGER,                              -- the first that is not finite
    odd      INTEGER,                              -- what it is: metric.flag
    PRIMARY KEY (job, series, shift, place)
) STRICT, WITHOUT ROWID;
WITH shifts (shift) AS (VALUES (4), (8), (12)),
    places AS (SELECT DISTINCT job, series, shift, step >> shift AS place FROM metric, shifts)
INSERT INTO stretch
    SELECT job, series, shift, place,
        (SELECT step FROM metric m WHERE m.job = p.job AND m.series = p.series AND step BETWEEN place << shift
            AND ((place + 1) << shift) - 1 AND value IS NOT NULL ORDER BY value, step LIMIT 1),
        (SELECT min(value) FROM metric m WHERE m.job = p.job AND m.series = p.series AND step BETWEEN place << shift
            AND ((place + 1) << shift) - 1),
        (SELECT step FROM metric m WHERE m.job = p.job AND m.series = p.series AND step BETWEEN place << shift
            AND ((place + 1) << shift) - 1 AND value IS NOT NULL ORDER BY value DESC, step LIMIT 1),
        (SELECT max(value) FROM metric m WHERE m.job = p.job AND m.series = p.series AND step BETWEEN place << shift
            AND ((place + 1) << shift) - 1),
        (SELECT step FROM metric m WHERE m.job = p.job AND m.series = p.series AND step BETWEEN place << shift
            AND ((place + 1) << shift) - 1 AND flag <> 0 ORDER BY step LIMIT 1),
        (SELECT flag FROM metric m WHERE m.job = p.job AND m.series = p.series AND step BETWEEN place << shift
            AND ((place + 1) << shift) - 1 AND flag <> 0 ORDER BY step LIMIT 1)
    FROM places p;

-- Where the rows of a series begin that were written with an event or after it, so that a client gets what came since it
-- last asked. Steps never fall with the events of a series.
CREATE TABLE arrival (
    job    INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
    series INTEGER NOT NULL,
    event  INTEGER NOT NULL,
    step   INTEGER NOT NULL,
    PRIMARY KEY (job, series, event)
) STRICT, WITHOUT ROWID;
-- What is there already came with the newest event at the latest: who had some of it gets all of it.
INSERT INTO arrival (job, series, event, step)
    SELECT job, series, (SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'event'), min(step)
    FROM metric GROUP BY job, series;

-- Metrics behind a step that were taken back, by an event or before the next one: who has them must drop them.
CREATE TABLE withdrawal (
    job   INTEGER NOT NULL REFERENCES job (number) ON DELETE CASCADE,
    event INTEGER NOT NULL,
    step  INTEGER NOT NULL,
    PRIMARY KEY (job, event)
) STRICT, WITHOUT ROWID;

-- What happened to a job beside its metrics, of which there is an event a second.
CREATE INDEX event_quiet ON event (job, number) WHERE name <> 'metrics';

PRAGMA user_version = 3;
