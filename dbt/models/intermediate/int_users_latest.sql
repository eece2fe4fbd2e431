{{ config(materialized='table') }}

with ranked as (
    select
        *,
        {{ version_rank('user_id') }} as version_rank
    from {{ ref('stg_meetup__users') }}
)

select
    user_id,
    city,
    country,
    hometown,
    membership_count,
    _batch_seq,
    _dropped_on,
    _source_file,
    _record_index
from ranked
where version_rank = 1
