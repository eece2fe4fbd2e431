with source as (
    select * from {{ source('raw', 'events') }}
),

renamed as (
    select
        group_id,
        name as event_name,
        description,
        created as created_ms,
        {{ epoch_ms_to_utc('created') }} as created_at,
        {{ adapter.quote('time') }} as starts_ms,
        {{ epoch_ms_to_utc(adapter.quote('time')) }} as starts_at,
        duration as duration_ms,
        rsvp_limit,
        venue_id,
        status,
        {{ list_length('rsvps') }} as rsvp_count,
        rsvps is not null as has_answer_list,
        _batch_id,
        _batch_seq,
        _dropped_on,
        _source_file,
        _record_index,
        _loaded_at
    from source
)

select * from renamed
