-- The only definition of "gone". It follows the order of versions, so the order of loading doesn't matter.
with batches as (
    select
        batch_id,
        batch_seq,
        -- A dated drop speaks for its day; a dump without a date for the moment of its load.
        case when folder = '.' then loaded_at else cast(dropped_on as timestamp) end as dropped_at,
        cast(row_number() over (order by dropped_on, batch_seq) as bigint) as batch_number
    from {{ source('raw', 'batches') }}
),

complete as (
    select distinct
        files.entity,
        batches.batch_number
    from {{ source('raw', 'loaded_files') }} as files
    inner join batches on files.batch_id = batches.batch_id
    where files.is_complete
),

entities as (
    select distinct entity
    from complete
),

followed as (
    select
        entities.entity,
        batches.batch_seq,
        batches.batch_number,
        min(complete.batch_number) over (
            partition by entities.entity
            order by batches.batch_number
            rows between 1 following and unbounded following
        ) as next_complete
    from entities
    cross join batches
    left join complete on entities.entity = complete.entity and batches.batch_number = complete.batch_number
)

select
    followed.entity,
    followed.batch_seq as _batch_seq,
    followed.batch_number,
    batches.dropped_at as gone_at
from followed
left join batches on followed.next_complete = batches.batch_number
