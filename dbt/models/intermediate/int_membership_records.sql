-- fct_memberships compares these with the records that its rows come from.
select
    user_id,
    membership_count,
    _memberships_batch_seq as _batch_seq,
    _memberships_source_file as _source_file,
    _memberships_record_index as _record_index
from {{ ref('int_users_latest') }}
