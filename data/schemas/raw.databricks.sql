-- Written by `meetup schema docs` from the schemas in this folder: change those instead.
create schema if not exists `raw`;

create table if not exists `raw`.`groups` (
  `group_id` bigint,
  `name` string,
  `description` string,
  `link` string,
  `city` string,
  `created` bigint,
  `lat` double,
  `lon` double,
  `topics` array<string>,
  `_batch_id` string not null,
  `_batch_seq` int not null,
  `_dropped_on` date not null,
  `_source_file` string not null,
  `_record_index` bigint not null,
  `_loaded_at` timestamp not null
) using delta;

create table if not exists `raw`.`users` (
  `user_id` bigint,
  `city` string,
  `country` string,
  `hometown` string,
  `memberships` array<struct<`joined`: bigint, `group_id`: bigint>>,
  `_batch_id` string not null,
  `_batch_seq` int not null,
  `_dropped_on` date not null,
  `_source_file` string not null,
  `_record_index` bigint not null,
  `_loaded_at` timestamp not null
) using delta;

create table if not exists `raw`.`venues` (
  `venue_id` bigint,
  `name` string,
  `city` string,
  `country` string,
  `lat` double,
  `lon` double,
  `_batch_id` string not null,
  `_batch_seq` int not null,
  `_dropped_on` date not null,
  `_source_file` string not null,
  `_record_index` bigint not null,
  `_loaded_at` timestamp not null
) using delta;

create table if not exists `raw`.`events` (
  `group_id` bigint,
  `name` string,
  `description` string,
  `created` bigint,
  `time` bigint,
  `duration` bigint,
  `rsvp_limit` bigint,
  `venue_id` bigint,
  `status` string,
  `rsvps` array<struct<`user_id`: bigint, `when`: bigint, `response`: string, `guests`: bigint>>,
  `_batch_id` string not null,
  `_batch_seq` int not null,
  `_dropped_on` date not null,
  `_source_file` string not null,
  `_record_index` bigint not null,
  `_loaded_at` timestamp not null
) using delta;

create table if not exists `raw`.`rejected_records` (
  `rejected_id` string not null,
  `entity` string not null,
  `reasons` array<string> not null,
  `record` string not null,
  `line` bigint,
  `_batch_id` string not null,
  `_batch_seq` int not null,
  `_dropped_on` date not null,
  `_source_file` string not null,
  `_record_index` bigint not null,
  `_loaded_at` timestamp not null
) using delta;

create table if not exists `raw`.`loaded_files` (
  `batch_id` string not null,
  `entity` string not null,
  `source_file` string not null,
  `sha256` string not null,
  `bytes` bigint not null,
  `records_read` bigint not null,
  `records_loaded` bigint not null,
  `records_rejected` bigint not null
) using delta;

create table if not exists `raw`.`batches` (
  `batch_id` string not null,
  `batch_seq` int not null,
  `dropped_on` date not null,
  `folder` string not null,
  `loaded_at` timestamp not null
) using delta;
