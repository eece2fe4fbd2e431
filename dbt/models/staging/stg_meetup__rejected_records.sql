with source as (
    select * from {{ source('raw', 'rejected_records') }}
),

renamed as (
    select
        rejected_id,
        entity,
        {{ rejected_number('group_id') }} as group_id,
        {{ rejected_number('user_id') }} as user_id,
        {{ rejected_number('venue_id') }} as venue_id,
        {{ rejected_number('created') }} as created_ms,
        {{ rejected_number('time') }} as starts_ms,
        _batch_id,
        _batch_seq,
        _dropped_on,
        _source_file,
        _record_index,
        _loaded_at
    from source
)

select * from renamed
