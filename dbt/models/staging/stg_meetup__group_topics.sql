with source as (
    select * from {{ source('raw', 'groups') }}
),

renamed as (
    select
        source.group_id,
        {{ trimmed('topic') }} as topic_name,
        source._batch_id,
        source._batch_seq,
        source._dropped_on,
        source._source_file,
        source._record_index,
        source._loaded_at
    from source
    {{ unnest_list('source.topics', 'topic') }}
)

select * from renamed
