with source as (
    select * from {{ source('raw', 'users') }}
),

renamed as (
    select
        source.user_id,
        membership.group_id,
        membership.joined as joined_ms,
        {{ epoch_ms_to_utc('membership.joined') }} as joined_at,
        source._batch_id,
        source._batch_seq,
        source._dropped_on,
        source._source_file,
        source._record_index,
        source._loaded_at
    from source
    {{ unnest_list('source.memberships', 'membership') }}
)

select * from renamed
