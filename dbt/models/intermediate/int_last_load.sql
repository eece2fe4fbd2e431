with loads as (
    select
        count(*) as batch_count,
        max(loaded_at) as loaded_at,
        max(dropped_on) as dropped_on
    from {{ source('raw', 'batches') }}
)

select
    cast(batch_count as bigint) as batch_count,
    loaded_at,
    dropped_on,
    -- A dated drop covers its whole day, regardless of the clock of the machine that loaded it.
    coalesce(
        greatest(loaded_at, cast(dropped_on + 1 as timestamp)),
        cast('2100-01-01 00:00:00' as timestamp)
    ) as believable_until
from loads
