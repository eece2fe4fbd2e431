with source as (
    select * from {{ source('raw', 'users') }}
),

renamed as (
    select
        user_id,
        city,
        country,
        hometown,
        {{ list_length('memberships') }} as membership_count,
        memberships is not null as has_membership_list,
        _batch_id,
        _batch_seq,
        _dropped_on,
        _source_file,
        _record_index,
        _loaded_at
    from source
)

select * from renamed
