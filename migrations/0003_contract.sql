-- What the whole HTTP contract needs: labels that can be asked for, requests that may be repeated, edits of running
-- jobs, uploaded weights, evaluations in full.

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

-- What a checkpoint makes of a split, sample by sample, kept because it takes long to find out.
CREATE TABLE evaluation (
    checkpoint INTEGER NOT NULL REFERENCES checkpoint (number) ON DELETE CASCADE,
    split      TEXT    NOT NULL,
    data       TEXT    NOT NULL,                   -- JSON: confusion matrix, classes, worst samples
    PRIMARY KEY (checkpoint, split)
) STRICT, WITHOUT ROWID;

PRAGMA user_version = 3;
