{{ config(materialized='incremental', unique_key='user_id') }}

with ranked as (
    select
        *,
        {{ version_rank('user_id') }} as version_rank,
        {{ latest_known('membership_count') }} as told_membership_count,
        {{ latest_known('_batch_seq') }} as _memberships_batch_seq,
        {{ latest_known('_source_file') }} as _memberships_source_file,
        {{ latest_known('_record_index') }} as _memberships_record_index
    from {{ ref('stg_meetup__users') }}
    window known_first as (partition by user_id order by {{ known_order('has_membership_list') }})
)

select
    user_id,
    city,
    country,
    hometown,
    told_membership_count as membership_count,
    _batch_seq,
    _dropped_on,
    _source_file,
    _record_index,
    _memberships_batch_seq,
    _memberships_source_file,
    _memberships_record_index
from ranked
where version_rank = 1
