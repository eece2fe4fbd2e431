with ranked as (
    select
        *,
        {{ version_rank('venue_id') }} as version_rank
    from {{ ref('stg_meetup__venues') }}
)

select
    venue_id,
    venue_name,
    city,
    country,
    latitude,
    longitude,
    _batch_seq,
    _dropped_on,
    _source_file,
    _record_index,
    _loaded_at
from ranked
where version_rank = 1
