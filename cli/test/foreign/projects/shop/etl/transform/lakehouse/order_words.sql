select order_id, word from {{ ref('stg_orders') }} lateral view explode(split(status, '')) as word
