{{
    config(
        incremental_strategy='replace_superseded',
        unique_key='membership_key',
        liquid_clustered_by=['group_id', 'user_id'],
        meta={
            'states': 'int_membership_records',
            'scope': 'user_id',
            'state': ['_batch_seq', '_source_file', '_record_index'],
        },
        pre_hook='{{ prepare_states() }}',
        post_hook='{{ remember_states() }}',
    )
}}

-- Users whose latest list of memberships is not the one that this table's rows come from; in a full build, all of them.
with changed_users as (
    select {{ record_columns('latest') }}
    from {{ ref('int_membership_records') }} as latest
    where latest.membership_count > 0 and {{ is_new_record('latest', 'user_id', 'int_membership_records') }}
),

joined_groups as (
    select
        memberships.group_id,
        memberships.user_id,
        min(memberships.joined_at) as joined_at,
        memberships._batch_seq,
        memberships._source_file,
        memberships._record_index
    from {{ ref('stg_meetup__memberships') }} as memberships
    inner join changed_users on {{ is_same_record('memberships', 'changed_users') }}
    group by all
)

select
    {{ surrogate_key(['group_id', 'user_id']) }} as membership_key,
    group_id,
    user_id,
    joined_at,
    _batch_seq,
    _source_file,
    _record_index
from joined_groups
