{{ config(unique_key=['group_id', 'version_number']) }}

-- A missing list of topics is unknown: the last known one is still valid.
with numbered as (
    select
        *,
        count(topics) over (partition by group_id order by {{ version_order() }}) as known_lists
    from {{ ref('stg_meetup__groups') }}
),

records as (
    select
        group_id,
        group_name,
        description,
        link,
        city,
        created_at,
        latitude,
        longitude,
        first_value(topics) over (partition by group_id, known_lists order by {{ version_order() }}) as topics,
        _batch_seq,
        _dropped_on,
        _source_file,
        _record_index
    from numbered
),

versions as (
    {{ versions_of('records', 'group_id', ['group_name', 'description', 'link', 'city', 'created_at', 'latitude', 'longitude', 'topics']) }}
)

select * from versions
