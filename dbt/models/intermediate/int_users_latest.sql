{{
    config(
        materialized='incremental',
        unique_key='user_id',
        meta={'states': 'int_user_record_states', 'scope': 'user_id', 'state': ['record_count', 'last_batch_seq', 'gone_state', 'rejected_state']},
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

with ranked as (
    select
        *,
        {{ version_rank('user_id') }} as version_rank,
        {{ latest_known('membership_count') }} as told_membership_count,
        {{ latest_known('_batch_seq') }} as _memberships_batch_seq,
        {{ latest_known('_source_file') }} as _memberships_source_file,
        {{ latest_known('_record_index') }} as _memberships_record_index
    from {{ ref('stg_meetup__users') }}
    where {{ is_changed('user_id', 'int_user_record_states') }}
    window known_first as (partition by user_id order by {{ known_order('has_membership_list') }})
)

select
    ranked.user_id,
    ranked.city,
    ranked.country,
    ranked.hometown,
    ranked.told_membership_count as membership_count,
    {{ gone_at() }} as gone_at,
    ranked._batch_seq,
    ranked._dropped_on,
    ranked._source_file,
    ranked._record_index,
    ranked._memberships_batch_seq,
    ranked._memberships_source_file,
    ranked._memberships_record_index
from ranked
left join {{ ref('int_gone_after') }} as seen on ranked._batch_seq = seen._batch_seq and seen.entity = 'users'
left join {{ ref('int_last_rejected') }} as rejected
    on {{ source_key(['ranked.user_id']) }} = rejected.record_key and rejected.entity = 'users'
where ranked.version_rank = 1
