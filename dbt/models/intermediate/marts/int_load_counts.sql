with files as (
    select
        entity,
        sum(records_read) as records_read
    from {{ source('raw', 'loaded_files') }}
    group by entity
),

rejected as (
    select
        entity,
        count(*) as records_rejected
    from {{ source('raw', 'rejected_records') }}
    group by entity
)

select
    coalesce(files.entity, rejected.entity) as entity,
    {{ count_or_0('files.records_read') }} as records_read,
    {{ count_or_0('rejected.records_rejected') }} as records_rejected
from files
full outer join rejected on files.entity = rejected.entity
