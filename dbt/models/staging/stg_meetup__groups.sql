with source as (
    select * from {{ source('raw', 'groups') }}
),

renamed as (
    select
        group_id,
        name as group_name,
        description,
        link,
        city,
        created as created_ms,
        {{ epoch_ms_to_utc('created') }} as created_at,
        {{ known_coordinate('lat', 'lat', 'lon') }} as latitude,
        {{ known_coordinate('lon', 'lat', 'lon') }} as longitude,
        {{ list_length('topics') }} as topic_count,
        {{ list_to_text('topics') }} as topics,
        topics is not null as has_topic_list,
        _batch_id,
        _batch_seq,
        _dropped_on,
        _source_file,
        _record_index,
        _loaded_at
    from source
)

select * from renamed
