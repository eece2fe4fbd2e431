select * from {{ ref('revenue') }} cluster by bread_id
