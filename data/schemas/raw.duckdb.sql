-- Written by `meetup schema docs` from the schemas in this folder: change those instead.
create schema if not exists raw;

create table if not exists raw."groups" (
  "group_id" BIGINT,
  "name" VARCHAR,
  "description" VARCHAR,
  "link" VARCHAR,
  "city" VARCHAR,
  "created" BIGINT,
  "lat" DOUBLE,
  "lon" DOUBLE,
  "topics" VARCHAR[],
  "_batch_id" VARCHAR not null,
  "_batch_seq" INTEGER not null,
  "_dropped_on" DATE not null,
  "_source_file" VARCHAR not null,
  "_record_index" BIGINT not null,
  "_loaded_at" TIMESTAMP not null
);

create table if not exists raw."users" (
  "user_id" BIGINT,
  "city" VARCHAR,
  "country" VARCHAR,
  "hometown" VARCHAR,
  "memberships" STRUCT("joined" BIGINT, "group_id" BIGINT)[],
  "_batch_id" VARCHAR not null,
  "_batch_seq" INTEGER not null,
  "_dropped_on" DATE not null,
  "_source_file" VARCHAR not null,
  "_record_index" BIGINT not null,
  "_loaded_at" TIMESTAMP not null
);

create table if not exists raw."venues" (
  "venue_id" BIGINT,
  "name" VARCHAR,
  "city" VARCHAR,
  "country" VARCHAR,
  "lat" DOUBLE,
  "lon" DOUBLE,
  "_batch_id" VARCHAR not null,
  "_batch_seq" INTEGER not null,
  "_dropped_on" DATE not null,
  "_source_file" VARCHAR not null,
  "_record_index" BIGINT not null,
  "_loaded_at" TIMESTAMP not null
);

create table if not exists raw."events" (
  "group_id" BIGINT,
  "name" VARCHAR,
  "description" VARCHAR,
  "created" BIGINT,
  "time" BIGINT,
  "duration" BIGINT,
  "rsvp_limit" BIGINT,
  "venue_id" BIGINT,
  "status" VARCHAR,
  "rsvps" STRUCT("user_id" BIGINT, "when" BIGINT, "response" VARCHAR, "guests" BIGINT)[],
  "_batch_id" VARCHAR not null,
  "_batch_seq" INTEGER not null,
  "_dropped_on" DATE not null,
  "_source_file" VARCHAR not null,
  "_record_index" BIGINT not null,
  "_loaded_at" TIMESTAMP not null
);

create table if not exists raw."rejected_records" (
  "rejected_id" VARCHAR not null,
  "entity" VARCHAR not null,
  "reasons" VARCHAR[] not null,
  "record" VARCHAR not null,
  "line" BIGINT,
  "_batch_id" VARCHAR not null,
  "_batch_seq" INTEGER not null,
  "_dropped_on" DATE not null,
  "_source_file" VARCHAR not null,
  "_record_index" BIGINT not null,
  "_loaded_at" TIMESTAMP not null
);

create table if not exists raw."loaded_files" (
  "batch_id" VARCHAR not null,
  "entity" VARCHAR not null,
  "source_file" VARCHAR not null,
  "sha256" VARCHAR not null,
  "bytes" BIGINT not null,
  "records_read" BIGINT not null,
  "records_loaded" BIGINT not null,
  "records_rejected" BIGINT not null
);

create table if not exists raw."batches" (
  "batch_id" VARCHAR not null,
  "batch_seq" INTEGER not null,
  "dropped_on" DATE not null,
  "folder" VARCHAR not null,
  "loaded_at" TIMESTAMP not null
);
