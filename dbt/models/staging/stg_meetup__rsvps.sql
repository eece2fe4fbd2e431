with source as (
    select * from {{ source('raw', 'events') }}
),

renamed as (
    select
        source.group_id,
        source.created as created_ms,
        source.{{ adapter.quote('time') }} as starts_ms,
        rsvp.user_id,
        rsvp.{{ adapter.quote('when') }} as responded_ms,
        {{ epoch_ms_to_utc('rsvp.' ~ adapter.quote('when')) }} as responded_at,
        rsvp.response,
        coalesce(rsvp.guests, 0) as guests,
        rsvp_offset,
        source._batch_id,
        source._batch_seq,
        source._dropped_on,
        source._source_file,
        source._record_index,
        source._loaded_at
    from source
    {{ unnest_list_with_offset('source.rsvps', 'rsvp') }}
)

select * from renamed
