with ranked as (
    select
        *,
        {{ version_rank('venue_id') }} as version_rank
    from {{ ref('stg_meetup__venues') }}
)

select
    ranked.venue_id,
    ranked.venue_name,
    ranked.city,
    ranked.country,
    ranked.latitude,
    ranked.longitude,
    {{ gone_at() }} as gone_at,
    ranked._batch_seq,
    ranked._dropped_on,
    ranked._source_file,
    ranked._record_index,
    ranked._loaded_at
from ranked
left join {{ ref('int_gone_after') }} as seen on ranked._batch_seq = seen._batch_seq and seen.entity = 'venues'
left join {{ ref('int_last_rejected') }} as rejected
    on {{ source_key(['ranked.venue_id']) }} = rejected.record_key and rejected.entity = 'venues'
where ranked.version_rank = 1
