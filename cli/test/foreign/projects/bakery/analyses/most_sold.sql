select bread from {{ ref('revenue') }} order by pieces desc limit 1
